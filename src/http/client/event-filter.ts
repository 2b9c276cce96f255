import { compileEventFilter, type EventFilter } from '../../protocol/filters.js';
import { JsonError, parseJson } from '../../protocol/strict-json.js';
import { MatrixError } from '../../protocol/errors.js';

/** The filter in a query string: JSON text of a RoomEventFilter. @throws MatrixError M_INVALID_PARAM, M_BAD_JSON */
export function eventFilterOf(text: string | undefined): EventFilter {
  if (text === undefined || text === '') return compileEventFilter(undefined);
  try {
    return compileEventFilter(parseJson(text, { duplicateKeys: 'last' }));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new MatrixError('M_INVALID_PARAM', `filter in the query string must be JSON: ${error.message}.`);
  }
}
