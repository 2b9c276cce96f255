import type { Log, LoggedRecord } from '../log/log.js';
import type { Position } from '../log/position.js';
import type { CommandContext } from './command.js';
import type { WriteSide } from './write-side.js';
import { START } from '../log/position.js';

/** The name of the stream that holds a cursor's position; only its last record counts. */
export function cursorStream(name: string): string {
  return `cursor-${name}`;
}

/** How many records a cursor that finds nothing to do passes before it records where it is: what a restart reads again. */
const STORE_EVERY = 10_000;

/**
 * Acts on what happened: every record of the log once, in order, from a durable position on. What it does must
 * be harmless when repeated: after a crash the records since its last position come again. It never acts on the
 * past twice because something is rebuilt: its position is a fact of the log.
 */
export class Cursor {
  readonly #log: Log;
  readonly #side: WriteSide;
  readonly #name: string;
  readonly #act: (record: LoggedRecord, context: CommandContext) => Promise<boolean>;
  #position: Position = START;

  /** @param act does what follows from a record, and says whether it did anything: only then is the position recorded. */
  constructor(
    side: WriteSide,
    name: string,
    act: (record: LoggedRecord, context: CommandContext) => Promise<boolean>,
  ) {
    this.#log = side.ports.log;
    this.#side = side;
    this.#name = name;
    this.#act = act;
  }

  get position(): Position {
    return this.#position;
  }

  /** Follows the log until the signal aborts. @throws what `act` throws: the record is then tried again by the next run. */
  async run(signal: AbortSignal): Promise<void> {
    this.#position = await this.#stored();
    let passed = 0;
    await this.#log.setRetention(cursorStream(this.#name), { maxCount: 1 });
    for await (const batch of this.#log.subscribe(this.#position, signal)) {
      let acted = false;
      for (const record of batch.records) {
        if (signal.aborted) return;
        const context = { correlationId: record.metadata.correlation_id, now: this.#side.ports.clock.now() };
        acted = (await this.#act(record, context)) || acted;
      }
      this.#position = batch.position;
      passed += batch.records.length;
      if (acted || passed >= STORE_EVERY) {
        await this.#store(batch.position);
        passed = 0;
      }
    }
  }

  async #stored(): Promise<Position> {
    for await (const batch of this.#log.read(cursorStream(this.#name), {
      direction: 'backwards',
      limit: 1,
    })) {
      for (const record of batch.records) if (record.type === 'cursor.moved') return record.data.position;
    }
    return START;
  }

  async #store(position: Position): Promise<void> {
    const context = { correlationId: `cursor-${this.#name}`, now: this.#side.ports.clock.now() };
    await this.#side.others.handle(cursorStream(this.#name), context, () => ({
      records: [{ type: 'cursor.moved', version: 1, data: { position } }],
      result: undefined,
    }));
  }
}
