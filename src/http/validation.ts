import type { ErrorObject } from 'ajv';
import { MatrixError } from '../protocol/errors.js';

/** What the patterns of `identifiers.json` stand for. */
const SIGILS: Readonly<Record<string, string>> = {
  '^@': 'a user ID, which begins with @',
  '^!': 'a room ID, which begins with !',
  '^#': 'a room alias, which begins with #',
  '^[!#]': 'a room ID or a room alias, which begin with ! and #',
  '^\\$': 'an event ID, which begins with $',
};

/** Which part of a request was judged. */
export type Part = 'params' | 'query' | 'body';

/**
 * Turns the first violation of a schema into a refusal with a sentence that names the place and what is expected.
 *
 * Codes, as the specification describes them and as clients and sytest know them from Synapse: a parameter or top
 * level field that is missing is M_MISSING_PARAM; a body with a field of the wrong type, or lacking something
 * further down, is M_BAD_JSON; a value of the right type that is not allowed, and anything wrong in the path or the
 * query string, is M_INVALID_PARAM. What was sent is never quoted: it may be a secret.
 */
export function refusal(part: Part, errors: readonly ErrorObject[] | null | undefined): MatrixError {
  // Where alternatives were tried, the last error is the one about the choice itself.
  const error = errors?.filter(({ keyword }) => keyword !== 'if').at(-1);
  if (error === undefined) return new MatrixError('M_BAD_JSON', 'The request is not as it should be.');
  const place = describePlace(part, error.instancePath);
  const message = `${place} ${expectation(error)}.`;
  if (error.keyword === 'required') {
    const topLevel = error.instancePath === '';
    return new MatrixError(part === 'body' && !topLevel ? 'M_BAD_JSON' : 'M_MISSING_PARAM', message);
  }
  if (part !== 'body') return new MatrixError('M_INVALID_PARAM', message);
  const shape = error.keyword === 'type' || error.keyword === 'anyOf' || error.keyword === 'oneOf';
  return new MatrixError(shape ? 'M_BAD_JSON' : 'M_INVALID_PARAM', message);
}

/** `/invite/0/id` becomes `invite[0].id`. Keys that a client chose are cut, and told as JSON where they are odd. */
function describePlace(part: Part, pointer: string): string {
  const whole = part === 'params' ? 'The path' : part === 'query' ? 'The query string' : 'The body';
  if (pointer === '') return whole;
  let place = '';
  for (const raw of pointer.slice(1).split('/')) {
    const key = raw.replaceAll('~1', '/').replaceAll('~0', '~').slice(0, 64);
    if (/^\d+$/.test(key)) place += `[${key}]`;
    else if (/^[\w.-]+$/.test(key)) place += place === '' ? key : `.${key}`;
    else place += `[${JSON.stringify(key)}]`;
  }
  return part === 'params'
    ? `${place} in the path`
    : part === 'query'
      ? `${place} in the query string`
      : place;
}

function expectation(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'required':
      return `lacks ${String(params['missingProperty'])}`;
    case 'type':
      return `must be ${withArticle(params['type'])}`;
    case 'enum':
      return `must be one of ${(params['allowedValues'] as unknown[]).map(String).join(', ')}`;
    case 'const':
      return `must be ${String(params['allowedValue'])}`;
    case 'maxBytes':
      return `must not be longer than ${String(params['limit'])} bytes`;
    case 'maxLength':
      return `must not be longer than ${String(params['limit'])} characters`;
    case 'minLength':
      return 'must not be empty';
    case 'maxItems':
      return `must not have more than ${String(params['limit'])} entries`;
    case 'maxProperties':
      return `must not have more than ${String(params['limit'])} fields`;
    case 'minimum':
    case 'maximum':
      return `must be ${String(params['comparison'])} ${String(params['limit'])}`;
    case 'pattern':
      return `must be ${SIGILS[String(params['pattern'])] ?? `text of the form ${String(params['pattern'])}`}`;
    case 'anyOf':
    case 'oneOf':
      return 'has none of the forms that it may have';
    default:
      return error.message ?? 'is not as it should be';
  }
}

function withArticle(type: unknown): string {
  const names = String(type).split(',');
  return names
    .map((name) => (name === 'null' ? 'null' : /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`))
    .join(' or ');
}
