/**
 * JSON that is ready: text stored by a projection and spliced into an answer, never parsed and printed again.
 * The caller vouches that it is one JSON value.
 */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** JSON that is sent while it is made: pieces of the text, one after the other. */
export class JsonStream {
  readonly pieces: AsyncIterable<string>;

  constructor(pieces: AsyncIterable<string>) {
    this.pieces = pieces;
  }
}

/** An answer that is not simply 200 with JSON: another status, other headers, another type of body. */
export class HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | object | JsonText;

  constructor(options: {
    status?: number;
    headers?: Record<string, string>;
    /** Text and bytes are sent as they are and need a `content-type` header; an object becomes JSON. */
    body: string | Uint8Array | object | JsonText;
  }) {
    this.status = options.status ?? 200;
    this.headers = options.headers ?? {};
    this.body = options.body;
  }
}

/** What a route's handler may return: an object (sent as JSON), ready JSON, at once or in pieces, or a response with all its parts. */
export type Answer = object | JsonText | JsonStream | HttpResponse;
