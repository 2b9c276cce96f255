export interface Answer {
  readonly status: number;
  readonly chunked: boolean;
  readonly head: string;
  readonly body: Buffer;
  readonly bytes: number;
}

export class ResponseParser {
  constructor(options?: { keepsBody?: boolean; onFirstByte?: (head: object) => void });
  feed(piece: Buffer): Answer[];
}
