/** What stands for what must not be written. */
export const HIDDEN = '[hidden]';

/**
 * Fields whose values are never written, wherever they are: credentials, and what people say. Compared in lower
 * case without `_` and `-`.
 */
const SECRET_FIELDS = new Set([
  'accesstoken',
  'auth',
  'authorization',
  'body',
  'clientsecret',
  'content',
  'cookie',
  'formattedbody',
  'logintoken',
  'mac',
  'message',
  'newpassword',
  'passphrase',
  'password',
  'privatekey',
  'rawbody',
  'refreshtoken',
  'registrationtoken',
  'secret',
  'setcookie',
  'sharedsecret',
  'signingkey',
  'text',
  'token',
  'tokens',
  'topic',
  'unsigned',
]);

/** Query parameters that say where in a room or list, and nothing secret; the values of all others are hidden. */
const PLAIN_PARAMETERS = new Set([
  'at',
  'dir',
  'from',
  'full_state',
  'limit',
  'membership',
  'not_membership',
  'set_presence',
  'since',
  'timeout',
  'to',
  'ts',
  'ver',
  'via',
]);

const MAX_DEPTH = 6;
const MAX_ITEMS = 100;

/**
 * A copy of what is to be logged without secrets and people's words, cut at a depth and at a number of items.
 * Costs the size of what is logged; entries are small.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return errorEntry(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return '[deeper]';
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => redact(item, depth + 1));
  const entries: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value).slice(0, MAX_ITEMS)) {
    const hide = inner !== undefined && SECRET_FIELDS.has(key.toLowerCase().replace(/[_-]/g, ''));
    entries.push([key, hide ? HIDDEN : redact(inner, depth + 1)]);
  }
  return Object.fromEntries(entries);
}

/** An error as it is written: name, message, stack, code and causes. Other fields may carry what was worked on. */
export interface ErrorEntry {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: string;
  readonly cause?: unknown;
}

export function errorEntry(error: Error, depth = 0): ErrorEntry {
  // The parser's message quotes what it could not parse, which may be anybody's words.
  const message = error instanceof SyntaxError ? 'text that cannot be parsed' : error.message;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message,
    stack: [`${error.name}: ${message}`, ...frames].join('\n'),
    ...(typeof code === 'string' && { code }),
    ...(error.cause instanceof Error && depth < MAX_DEPTH && { cause: errorEntry(error.cause, depth + 1) }),
  };
}

/** A request's path with the values of query parameters hidden but for those that are known to be harmless. */
export function safeUrl(url: string): string {
  const at = url.indexOf('?');
  if (at === -1) return url;
  const parameters = url
    .slice(at + 1)
    .split('&')
    .slice(0, MAX_ITEMS)
    .map((parameter) => {
      const name = parameter.split('=', 1)[0] ?? '';
      return PLAIN_PARAMETERS.has(name) ? parameter : `${name}=${HIDDEN}`;
    });
  return `${url.slice(0, at)}?${parameters.join('&')}`;
}

const CREDENTIALS =
  /((?:access_token|login_?token|refresh_token)(?:=|%3D|\\?":\s*\\?")|Bearer\s+)[^\s"&\\]+/gi;
/** The same as SECRET_FIELDS where fields cannot be seen one by one: what child loggers were given. */
const FIELDS =
  /("(?:access_token|refresh_token|login_token|token|password|passphrase|authorization|secret|shared_secret|client_secret|body|text)":)"(?:[^"\\]|\\.)*"/gi;

/** A whole line of the log: whatever looks like a credential goes, in messages and stacks too. Linear. */
export function scrub(line: string): string {
  return line.replace(CREDENTIALS, `$1${HIDDEN}`).replace(FIELDS, `$1"${HIDDEN}"`);
}
