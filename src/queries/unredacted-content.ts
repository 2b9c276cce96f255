/** What read models do not have: the content of redacted events, for as long as the log keeps it. */
export interface Unredacted {
  /** Milliseconds from the redaction on; undefined: for ever. */
  readonly keptFor: number | undefined;
  /**
   * The event in client format as it was sent, as JSON text without `unsigned`; `forgotten` where that is not kept any
   * more, undefined where it cannot be read.
   */
  event(roomId: string, eventId: string): Promise<string | undefined>;
}

export const FORGOTTEN = 'forgotten';
