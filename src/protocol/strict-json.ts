import { isJsonArray, isWellFormed, type JsonObject, type JsonValue } from './json.js';

/**
 * What is wrong with a JSON text: `syntax` and `encoding` mean that it is no JSON (M_NOT_JSON), the others that
 * it is JSON which Matrix does not allow (M_BAD_JSON).
 */
export type JsonErrorKind = 'syntax' | 'encoding' | 'number' | 'depth' | 'duplicate_key';

/** Thrown for JSON that is refused. The message never quotes the text, which may be private. */
export class JsonError extends Error {
  readonly kind: JsonErrorKind;
  /** Index into the text in UTF-16 units, where it is known. */
  readonly position: number | undefined;

  constructor(kind: JsonErrorKind, message: string, position?: number) {
    super(position === undefined ? message : `${message} at position ${position}`);
    this.name = 'JsonError';
    this.kind = kind;
    this.position = position;
  }
}

export interface ParseOptions {
  /** How many arrays and objects may lie inside each other. */
  readonly maxDepth?: number;
  /**
   * Refuse every number that canonical JSON does not have: fractions, exponents, `-0`, beyond 2^53-1; judged by
   * its text, so nothing is rounded in silence. Without it only numbers too large for a double are refused.
   */
  readonly strictNumbers?: boolean;
  /** Refuse integers beyond 2^53-1, which cannot be kept as they are written. */
  readonly exactIntegers?: boolean;
  /** RFC 8259 leaves repeated keys open; `last` takes the last, as most parsers do. */
  readonly duplicateKeys?: 'refuse' | 'last';
}

export const DEFAULT_MAX_DEPTH = 100;

/** Which numbers are allowed: those of canonical JSON, those that can be kept, those that are any. */
type Numbers = 'strict' | 'exact' | 'any';

const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Keeps a byte order mark, which is no JSON white space and is therefore refused. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses a JSON text from outside (RFC 8259; specification: Appendices, Canonical JSON). Bytes must be UTF-8.
 * Objects come without a prototype, so `__proto__` or `constructor` are keys like any other.
 *
 * Cost: about twice that of `JSON.parse` alone, which does the parsing (a parser of our own was slower on every
 * sort of event); then one scan of the text, and one walk over the objects to take their prototypes away.
 *
 * @throws {JsonError} with the kind and, where known, the position of what is wrong
 */
export function parseJson(input: Uint8Array | string, options: ParseOptions = {}): JsonValue {
  const text = typeof input === 'string' ? input : decode(input);
  if (typeof input === 'string' && !isWellFormed(text)) {
    throw new JsonError('encoding', 'The text holds a surrogate that is not half of a pair');
  }
  const value = parse(text);
  const numbers = options.strictNumbers ? 'strict' : options.exactIntegers ? 'exact' : 'any';
  const members = scan(text, options.maxDepth ?? DEFAULT_MAX_DEPTH, numbers);
  const keys = dropPrototypes(value, ESCAPED_SURROGATE.test(text));
  if (keys !== members && options.duplicateKeys !== 'last') {
    throw new JsonError('duplicate_key', 'A key is repeated in an object', findDuplicateKey(text));
  }
  return value;
}

/** `parseJson` for texts whose top level must be an object. */
export function parseJsonObject(input: Uint8Array | string, options: ParseOptions = {}): JsonObject {
  const value = parseJson(input, options);
  if (typeof value !== 'object' || value === null || isJsonArray(value)) {
    throw new JsonError('syntax', 'The text is not a JSON object');
  }
  return value;
}

/**
 * Checks that a value which somebody else has parsed is one that canonical JSON can express: only null, booleans,
 * whole numbers within +-(2^53-1) and not -0, well-formed strings, arrays, objects, not too deep. What the text
 * said about numbers (`1.0`, `1e3`) can no longer be seen.
 *
 * @throws {JsonError}
 */
export function assertCanonical(value: unknown, maxDepth = DEFAULT_MAX_DEPTH): asserts value is JsonValue {
  switch (typeof value) {
    case 'string':
      assertWellFormed(value);
      return;
    case 'boolean':
      return;
    case 'number':
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
        throw new JsonError('number', 'A number is not an integer within +-(2^53-1)');
      }
      return;
    case 'object':
      if (value === null) return;
      if (maxDepth <= 0) throw new JsonError('depth', 'The value is nested too deeply');
      if (Array.isArray(value)) {
        for (const item of value as unknown[]) assertCanonical(item, maxDepth - 1);
        return;
      }
      for (const [key, member] of Object.entries(value)) {
        assertWellFormed(key);
        assertCanonical(member, maxDepth - 1);
      }
      return;
    default:
      throw new JsonError('syntax', `A value of type ${typeof value} is no JSON`);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new JsonError('encoding', 'The bytes are not UTF-8');
  }
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    throw new JsonError(
      'syntax',
      'The text is not JSON',
      position === undefined ? undefined : Number(position),
    );
  }
}

/** Checks depth and numbers of a text that is known to be JSON; returns how many members its objects have. */
function scan(text: string, maxDepth: number, numbers: Numbers): number {
  let members = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i);
    } else if (code === 0x3a) {
      members++;
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) throw new JsonError('depth', 'The text is nested too deeply', i);
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      i = checkNumber(text, i, numbers) - 1;
    }
  }
  return members;
}

/** Index of the quotation mark that closes the string opened at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** Whether the quotation mark at `index`, inside a string, follows an odd run of backslashes. */
function isEscaped(text: string, index: number): boolean {
  let first = index;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (index - first) % 2 === 1;
}

/** Checks the number that begins at `start`; returns the index after it. */
function checkNumber(text: string, start: number, numbers: Numbers): number {
  let end = start + 1;
  let integer = true;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code >= 0x30 && code <= 0x39) continue;
    if (code !== 0x2e && code !== 0x45 && code !== 0x65 && code !== 0x2b && code !== 0x2d) break;
    integer = false;
  }
  if (integer && end - start < 16 && text.charCodeAt(start) !== 0x2d) return end;
  const value = Number(text.slice(start, end));
  if (!isAllowed(value, integer, numbers)) {
    throw new JsonError('number', 'A number is not allowed', start);
  }
  return end;
}

function isAllowed(value: number, integer: boolean, numbers: Numbers): boolean {
  switch (numbers) {
    case 'strict':
      return integer && Number.isSafeInteger(value) && !Object.is(value, -0);
    case 'exact':
      return integer ? Number.isSafeInteger(value) : Number.isFinite(value);
    case 'any':
      return Number.isFinite(value);
  }
}

/** Takes the prototype from every object; returns how many keys they have together. */
function dropPrototypes(value: JsonValue, checkStrings: boolean): number {
  if (typeof value !== 'object' || value === null) {
    if (checkStrings && typeof value === 'string') assertWellFormed(value);
    return 0;
  }
  let count = 0;
  if (isJsonArray(value)) {
    for (const item of value) {
      if (checkStrings || typeof item === 'object') count += dropPrototypes(item, checkStrings);
    }
    return count;
  }
  const keys = Object.keys(value);
  count = keys.length;
  for (const key of keys) {
    if (checkStrings) assertWellFormed(key);
    const member = value[key];
    if (member !== undefined && (checkStrings || typeof member === 'object')) {
      count += dropPrototypes(member, checkStrings);
    }
  }
  // Unlike Object.create(null), this keeps V8's fast shape for the object, and costs less than a copy.
  Object.setPrototypeOf(value, null);
  return count;
}

function assertWellFormed(text: string): void {
  if (!isWellFormed(text)) {
    throw new JsonError('encoding', 'A string holds a surrogate that is not half of a pair');
  }
}

/** Where the first repeated key of a text stands that is known to be JSON and to repeat one. */
function findDuplicateKey(text: string): number | undefined {
  /** Keys seen in each object that is open; `undefined` for an array. */
  const open: (Set<string> | undefined)[] = [];
  let last = { start: 0, end: 0 };
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') {
      last = { start: i, end: endOfString(text, i) };
      i = last.end;
    } else if (char === '{') {
      open.push(new Set());
    } else if (char === '[') {
      open.push(undefined);
    } else if (char === '}' || char === ']') {
      open.pop();
    } else if (char === ':') {
      const seen = open.at(-1);
      const key = JSON.parse(text.slice(last.start, last.end + 1)) as string;
      if (seen?.has(key)) return last.start;
      seen?.add(key);
    }
  }
  return undefined;
}
