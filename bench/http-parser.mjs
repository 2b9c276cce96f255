// As much of HTTP/1.1 as a server's answers to a keep-alive client take (RFC 9112): status line, header fields, and a
// body by Content-Length or in chunks.

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);

/** Parses the answers that come over one connection, one at a time. Pieces of any size are fed as they come. */
export class ResponseParser {
  #rest = NOTHING;
  #head;
  #pieces = [];
  /** Bytes of the body, or of the chunk, that are still to come; undefined while a chunk's size is. */
  #open;
  #trailing = false;
  #keepsBody;
  #onFirstByte;

  /**
   * @param options `keepsBody: false` counts a body's bytes and drops them; `onFirstByte` is told when a body
   *   begins, or is known to be empty
   */
  constructor({ keepsBody = true, onFirstByte } = {}) {
    this.#keepsBody = keepsBody;
    this.#onFirstByte = onFirstByte;
  }

  /**
   * Takes a piece.
   *
   * @returns the answers that are complete with it: status, whether it came in chunks, the body and its bytes
   * @throws where this is no HTTP/1.1
   */
  feed(piece) {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const answers = [];
    for (;;) {
      if (this.#head === undefined && !this.#takeHead()) return answers;
      if (!(this.#head.chunked ? this.#takeChunks() : this.#take())) return answers;
      answers.push(this.#finish());
    }
  }

  #takeHead() {
    const end = this.#rest.indexOf(HEAD_END);
    if (end === -1) return false;
    const text = this.#rest.latin1Slice(0, end);
    const status = Number(text.slice(9, 12));
    if (!text.startsWith('HTTP/1.1 ') || !(status >= 100))
      throw new Error(`No HTTP/1.1: ${text.slice(0, 40)}`);
    const chunked = /\r\ntransfer-encoding: *chunked/i.test(text);
    const length = chunked ? undefined : /\r\ncontent-length: *([0-9]+)/i.exec(text)?.[1];
    if (!chunked && length === undefined && status !== 204 && status !== 304)
      throw new Error('An answer without a length.');
    this.#head = { status, chunked, text, bytes: 0, begun: false };
    this.#open = chunked ? undefined : Number(length ?? 0);
    this.#rest = this.#rest.subarray(end + 4);
    return true;
  }

  /** Takes what is there of the open body or chunk; says whether that is all of it. */
  #take() {
    const piece = this.#rest.length <= this.#open ? this.#rest : this.#rest.subarray(0, this.#open);
    if (!this.#head.begun && (piece.length > 0 || this.#open === 0)) {
      this.#head.begun = true;
      this.#onFirstByte?.(this.#head);
    }
    if (this.#keepsBody && piece.length > 0) this.#pieces.push(piece);
    this.#head.bytes += piece.length;
    this.#open -= piece.length;
    this.#rest = this.#rest.subarray(piece.length);
    return this.#open === 0;
  }

  #takeChunks() {
    for (;;) {
      if (this.#trailing) {
        // No trailers are sent to us: what follows the last chunk, or a chunk's bytes, is an empty line.
        if (this.#rest.length < 2) return false;
        this.#rest = this.#rest.subarray(2);
        this.#trailing = false;
        if (this.#open === 0) return true;
        this.#open = undefined;
      }
      if (this.#open === undefined) {
        const end = this.#rest.indexOf(LINE_END);
        if (end === -1) return false;
        const size = Number.parseInt(this.#rest.latin1Slice(0, end), 16);
        if (Number.isNaN(size)) throw new Error('A chunk without a size.');
        this.#rest = this.#rest.subarray(end + 2);
        this.#open = size;
        if (size === 0) {
          this.#trailing = true;
          continue;
        }
      }
      if (!this.#take()) return false;
      this.#open = -1;
      this.#trailing = true;
    }
  }

  #finish() {
    const { status, chunked, text, bytes } = this.#head;
    const body = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.#head = undefined;
    this.#open = undefined;
    this.#pieces = [];
    return { status, chunked, head: text, body, bytes };
  }
}
