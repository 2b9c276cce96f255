import { MatrixError } from '../protocol/errors.js';
import type { JsonObject } from '../protocol/json.js';
import { JsonError, parseJson } from '../protocol/strict-json.js';
import { isJsonObject } from '../protocol/json.js';

/** A request's body, and whether it has numbers that canonical JSON does not have: fractions, exponents. */
export interface Body {
  readonly value: JsonObject;
  /** Such a number may have been rounded. Rooms from version 6 on refuse what was made of it. */
  readonly looseNumbers: boolean;
}

/**
 * The JSON object in a request's body (specification: API Standards). Its type is not looked at: clients send none,
 * or a wrong one. No body counts as `{}`, since many clients send nothing where nothing is needed; what is missing
 * is then said by the schema. Of a repeated key the last counts, as with the parsers that clients are tested
 * against. Integers beyond 2^53-1 are refused, since nothing here could give them back as they were.
 *
 * @throws {MatrixError} M_NOT_JSON or M_BAD_JSON
 */
export function parseBody(bytes: Uint8Array | undefined): Body {
  if (bytes === undefined || bytes.length === 0) {
    return { value: Object.create(null) as JsonObject, looseNumbers: false };
  }
  let value;
  let looseNumbers = false;
  try {
    try {
      value = parseJson(bytes, { duplicateKeys: 'last', strictNumbers: true });
    } catch (error) {
      if (!(error instanceof JsonError) || error.kind !== 'number') throw error;
      value = parseJson(bytes, { duplicateKeys: 'last', exactIntegers: true });
      looseNumbers = true;
    }
  } catch (error) {
    if (error instanceof JsonError) {
      const code = error.kind === 'syntax' || error.kind === 'encoding' ? 'M_NOT_JSON' : 'M_BAD_JSON';
      throw new MatrixError(code, `The body cannot be used: ${error.message}.`);
    }
    throw error;
  }
  if (!isJsonObject(value)) throw new MatrixError('M_BAD_JSON', 'The body must be a JSON object.');
  return { value, looseNumbers };
}
