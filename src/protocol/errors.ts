/**
 * Every Matrix error that we answer with: code and HTTP status (specification: Client-Server API, Standard
 * error response; Server-Server API). `http` turns a refusal into a response by this table alone.
 */
export const MATRIX_ERRORS = {
  M_FORBIDDEN: 403,
  M_UNKNOWN_TOKEN: 401,
  M_MISSING_TOKEN: 401,
  M_USER_LOCKED: 401,
  M_UNAUTHORIZED: 401,
  M_BAD_JSON: 400,
  M_NOT_JSON: 400,
  M_NOT_FOUND: 404,
  M_LIMIT_EXCEEDED: 429,
  M_UNRECOGNIZED: 404,
  M_UNKNOWN: 500,
  M_USER_DEACTIVATED: 403,
  M_USER_IN_USE: 400,
  M_INVALID_USERNAME: 400,
  M_ROOM_IN_USE: 409,
  M_INVALID_ROOM_STATE: 400,
  M_THREEPID_IN_USE: 400,
  M_THREEPID_NOT_FOUND: 400,
  M_THREEPID_AUTH_FAILED: 400,
  M_THREEPID_DENIED: 403,
  M_SERVER_NOT_TRUSTED: 403,
  M_UNSUPPORTED_ROOM_VERSION: 400,
  M_INCOMPATIBLE_ROOM_VERSION: 400,
  M_BAD_STATE: 403,
  M_GUEST_ACCESS_FORBIDDEN: 403,
  M_CAPTCHA_NEEDED: 401,
  M_CAPTCHA_INVALID: 401,
  M_MISSING_PARAM: 400,
  M_INVALID_PARAM: 400,
  M_TOO_LARGE: 413,
  M_EXCLUSIVE: 400,
  M_RESOURCE_LIMIT_EXCEEDED: 403,
  M_CANNOT_LEAVE_SERVER_NOTICE_ROOM: 403,
  M_WEAK_PASSWORD: 400,
  M_PROFILE_TOO_LARGE: 400,
  M_KEY_TOO_LARGE: 400,
  M_UNABLE_TO_AUTHORISE_JOIN: 400,
  M_UNABLE_TO_GRANT_JOIN: 400,
  M_BAD_ALIAS: 400,
  M_DUPLICATE_ANNOTATION: 400,
  M_WRONG_ROOM_KEYS_VERSION: 403,
  M_CONNECTION_FAILED: 504,
  M_CONNECTION_TIMEOUT: 504,
  M_UNACTIONABLE: 400,
  /** MSC2815, which is not part of the specification yet. */
  'FI.MAU.MSC2815_UNREDACTED_CONTENT_DELETED': 404,
} as const;

export type MatrixErrorCode = keyof typeof MATRIX_ERRORS;

/**
 * A refusal: an outcome that the business expects, returned or thrown up to the caller, and answered to the
 * client as it stands. `message` is a sentence that a person can act on.
 */
export class MatrixError extends Error {
  readonly code: MatrixErrorCode;
  readonly status: number;
  /** Further fields of the JSON body, such as `soft_logout` or `retry_after_ms`. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    code: MatrixErrorCode,
    message: string,
    options: { status?: number; fields?: Record<string, unknown> } = {},
  ) {
    super(message);
    this.name = 'MatrixError';
    this.code = code;
    this.status = options.status ?? MATRIX_ERRORS[code];
    this.fields = options.fields ?? {};
  }

  toJSON(): Record<string, unknown> {
    return { errcode: this.code, error: this.message, ...this.fields };
  }
}
