/** An event that a client has asked for. Times are ticks of the ledger's clock, which only counts. */
export interface SentEvent {
  readonly roomId: string;
  readonly kind: 'message' | 'state' | 'redaction';
  readonly sender: string;
  /** Unique; in the event's content, or for a redaction the ID of its target. */
  readonly mark: string;
  readonly sentAt: number;
  /** How often it was asked for: once, and again after each lost answer. */
  attempts: number;
  acknowledged: { readonly at: number; readonly eventId: string } | undefined;
}

/** What the server was asked for, and what it has acknowledged: the truth that it is held to after each kill. */
export class Ledger {
  #clock = 0;
  #marks = 0;
  readonly events: SentEvent[] = [];
  /** Rooms whose making was acknowledged, by name, each with who made it. */
  readonly rooms = new Map<string, { readonly roomId: string; readonly creator: string }>();
  /** Names of rooms whose making was asked for once, and never answered. */
  readonly lostRooms = new Set<string>();
  /** What was last set and acknowledged: path of the request -> content of the answer to GET. */
  readonly values = new Map<string, Value>();
  /** Every acknowledged read receipt: user -> IDs of events. */
  readonly receipts = new Map<string, Set<string>>();
  /** Answers that were waited for when the server was killed. */
  lost = 0;

  now(): number {
    return ++this.#clock;
  }

  /** A text that no other request has. */
  mark(): string {
    return `mark-${++this.#marks}`;
  }

  sent(event: Pick<SentEvent, 'roomId' | 'kind' | 'sender' | 'mark'>): SentEvent {
    const entry = { ...event, sentAt: this.now(), attempts: 0, acknowledged: undefined };
    this.events.push(entry);
    return entry;
  }

  acknowledgedEvents(): number {
    return this.events.filter(({ acknowledged }) => acknowledged !== undefined).length;
  }
}

/** Something that is set by a PUT and read by a GET of the same path. */
export interface Value {
  readonly userId: string;
  readonly path: string;
  readonly content: Readonly<Record<string, string>>;
}
