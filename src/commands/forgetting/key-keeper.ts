import type { LoggedRecord } from '../../log/log.js';
import type { Position } from '../../log/position.js';
import type { RecordOf } from '../../log/records.js';
import { pause } from '../../runtime/pause.js';
import type { RoomPorts } from '../room/room-session.js';
import { FORGOTTEN_STREAM } from './forgotten.js';

export interface KeyKeeperOptions {
  readonly ports: Pick<RoomPorts, 'log' | 'clock' | 'events' | 'shared'>;
  /**
   * True as soon as this process's read models have everything up to a position, false after so many milliseconds.
   * Keys are destroyed only then, so that read models never lack what a rebuild would still find, nor have what it
   * would not.
   */
  readonly whenFolded: (position: Position, timeoutMs: number) => Promise<boolean>;
  /** Told when the keys of everything are gone that is to be forgotten up to a position of the log. */
  readonly onForgotten: (position: Position) => void;
}

/** Milliseconds. */
const FOLDING_LOOK = 1000;
/** Milliseconds between looks at a log that other processes write too. */
const SHARED_LOOK = 500;
/**
 * Rewriting a key file from which much is missing takes its time: where it takes more than so many milliseconds, then no
 * more than one part in so many of all time, so that what comes in between is forgotten together.
 */
const LONG = 50;
const SHARE = 10;

type Fact = LoggedRecord & RecordOf<'content.forgotten'>;

/**
 * Destroys the keys of what is to be forgotten: those of the past at every start, and then as the log says so. Every
 * process that has a key file does this for itself, so a file that was put back from a backup forgets again, and
 * whatever dies in between is made good by the next start. What is at hand in memory goes with the keys.
 *
 * Cost: nothing while nothing is forgotten but a look at each record's type (where other processes append too, a read of
 * the stream's end twice a second); at the start, 20 us for each place that ever was.
 */
export class KeyKeeper {
  readonly #options: KeyKeeperOptions;
  #next = 0;

  constructor(options: KeyKeeperOptions) {
    this.#options = options;
  }

  /** Follows the log until the signal aborts. @throws what the log throws: the next run goes on from there */
  async run(signal: AbortSignal): Promise<void> {
    const { log, clock, shared } = this.#options.ports;
    while (!signal.aborted) {
      const { head } = log;
      for await (const { records } of log.read(FORGOTTEN_STREAM, { from: this.#next })) {
        if (!(await this.#apply(records.filter(isFact), signal))) return;
      }
      if (shared === true) {
        await pause(clock, SHARED_LOOK, signal);
        await this.#beyond(head, signal);
        continue;
      }
      // Whatever this process appends is at hand; asking for the stream each time would cost a call each.
      for await (const { records } of log.subscribe(head, signal)) {
        const facts = records.filter(isFact).filter(({ revision }) => revision >= this.#next);
        if (!(await this.#apply(facts, signal))) return;
      }
    }
  }

  /** False when it ended before. */
  async #apply(facts: readonly Fact[], signal: AbortSignal): Promise<boolean> {
    const last = facts.at(-1);
    if (last === undefined) return true;
    const { ports, whenFolded, onForgotten } = this.#options;
    while (!(await whenFolded(last.position, FOLDING_LOOK))) {
      if (signal.aborted) return false;
      // It says so at once where read models are not kept any more.
      await pause(ports.clock, SHARED_LOOK, signal);
    }
    const began = ports.clock.monotonic();
    await ports.log.forget(facts.flatMap(({ data }) => data.places));
    const took = ports.clock.monotonic() - began;
    for (const { data } of facts) {
      for (const { event_id } of data.events) ports.events.forget(event_id);
    }
    this.#next = last.revision + 1;
    onForgotten(last.position);
    if (took > LONG) await pause(ports.clock, took * (SHARE - 1), signal);
    return true;
  }

  /** Until the log's head is beyond a position, or the signal aborts. */
  async #beyond(position: Position, signal: AbortSignal): Promise<void> {
    const { heads } = this.#options.ports.log;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        signal.removeEventListener('abort', finish);
        // `heads` may call back before `subscribe` returns.
        queueMicrotask(() => {
          subscription.unsubscribe();
        });
        resolve();
      };
      signal.addEventListener('abort', finish);
      const subscription = heads.subscribe({
        next: (head) => {
          if (head > position) finish();
        },
        complete: finish,
      });
      if (signal.aborted) finish();
    });
  }
}

function isFact(record: LoggedRecord): record is Fact {
  return record.type === 'content.forgotten';
}
