import type { LoggedRecord } from '../log/log.js';
import type { Position } from '../log/position.js';
import type { CommandContext } from './command.js';
import type { WriteSide } from './write-side.js';
import { START } from '../log/position.js';

/** The name of the stream that holds a cursor's position; only its last record counts. */
export function cursorStream(name: string): string {
  return `cursor-${name}`;
}

/** How many records a cursor that finds nothing to do passes before it records where it is: what a restart reads again. */
export const STORE_EVERY = 10_000;
/** The same at an orderly end: less is not worth a record at every start and end. */
export const STORE_AT_END = 100;

/** Where a cursor is: a fact of the log, so that nothing is acted on again because something is rebuilt. */
export class CursorPosition {
  readonly #side: WriteSide;
  readonly #name: string;
  #stored: Position = START;

  constructor(side: WriteSide, name: string) {
    this.#side = side;
    this.#name = name;
  }

  /** As it was recorded last; read by `load`. */
  get stored(): Position {
    return this.#stored;
  }

  async load(): Promise<Position> {
    const { log } = this.#side.ports;
    await log.setRetention(cursorStream(this.#name), { maxCount: 1 });
    const last = { direction: 'backwards', limit: 1 } as const;
    for await (const batch of log.read(cursorStream(this.#name), last)) {
      for (const record of batch.records) {
        if (record.type === 'cursor.moved') this.#stored = record.data.position;
      }
    }
    return this.#stored;
  }

  async store(position: Position): Promise<void> {
    if (position <= this.#stored) return;
    const context = { correlationId: `cursor-${this.#name}`, now: this.#side.ports.clock.now() };
    await this.#side.others.handle(cursorStream(this.#name), context, () => ({
      records: [{ type: 'cursor.moved', version: 1, data: { position } }],
      result: undefined,
    }));
    this.#stored = position;
  }
}

/**
 * Acts on what happened: every record of the log once, in order, from a durable position on. What it does must
 * be harmless when repeated: after a crash the records since its last position come again. It never acts on the
 * past twice because something is rebuilt: its position is a fact of the log.
 */
export class Cursor {
  readonly #side: WriteSide;
  readonly #place: CursorPosition;
  readonly #act: (record: LoggedRecord, context: CommandContext) => Promise<boolean>;
  #position: Position = START;

  /** @param act does what follows from a record, and says whether it did anything: only then is the position recorded. */
  constructor(
    side: WriteSide,
    name: string,
    act: (record: LoggedRecord, context: CommandContext) => Promise<boolean>,
  ) {
    this.#side = side;
    this.#place = new CursorPosition(side, name);
    this.#act = act;
  }

  get position(): Position {
    return this.#position;
  }

  /** Follows the log until the signal aborts. @throws what `act` throws: the record is then tried again by the next run. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#side.ports;
    this.#position = await this.#place.load();
    let passed = 0;
    for await (const batch of log.subscribe(this.#position, signal)) {
      let acted = false;
      for (const record of batch.records) {
        if (signal.aborted) return;
        const context = { correlationId: record.metadata.correlation_id, now: clock.now() };
        acted = (await this.#act(record, context)) || acted;
      }
      this.#position = batch.position;
      passed += batch.records.length;
      if (acted || passed >= STORE_EVERY) {
        await this.#place.store(batch.position);
        passed = 0;
      }
    }
    if (passed >= STORE_AT_END) await this.#place.store(this.#position);
  }
}
