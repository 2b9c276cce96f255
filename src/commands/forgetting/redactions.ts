import type { LoggedRecord } from '../../log/log.js';
import { START, type Position } from '../../log/position.js';
import { PatientTime } from '../../runtime/patient-time.js';
import { pause } from '../../runtime/pause.js';
import { roomStream } from '../aggregates/room.js';
import { CursorPosition, STORE_AT_END, STORE_EVERY } from '../cursor.js';
import type { WriteSide } from '../write-side.js';
import { recordForgotten, sealedEvent, type SealedEvent } from './forgotten.js';

/** So many targets go into one record when more redactions are due. */
const MOST_AT_ONCE = 100;
/** Milliseconds between looks at the clock, at least and at most: it may be set while one waits. */
const [SHORTEST_WAIT, LONGEST_WAIT] = [100, 600_000];

const ROOM_PREFIX = roomStream('');

interface DueRedaction {
  readonly roomId: string;
  readonly target: string;
}

/**
 * Follows the log at a distance: when a redaction has taken effect for as long as its target's content is kept, it
 * records that this is to be forgotten.
 *
 * It goes by the time that the redaction's record says, which is our clock's as it was then. Where that lies in the
 * future by the clock as it is now, one of the two is wrong: then the first later record counts whose time does not,
 * or else the moment when this was noticed. So, however the clock is set, content is kept for its time and perhaps
 * longer, but for a clock that is ahead and stays so (patient-time.ts), or is so at the start.
 */
export class RedactionCursor {
  readonly #side: WriteSide;
  readonly #keptFor: number;
  readonly #time: PatientTime;
  readonly #place: CursorPosition;
  #noticed: { readonly position: Position; readonly time: number } | undefined;

  /**
   * @param keptFor milliseconds
   * @param time the process's: a cursor that failed and runs again has not lost it
   */
  constructor(side: WriteSide, keptFor: number, time: PatientTime = new PatientTime(side.ports.clock)) {
    this.#side = side;
    this.#keptFor = keptFor;
    this.#time = time;
    this.#place = new CursorPosition(side, 'redactions');
  }

  /** Follows the log until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#side.ports;
    let passed = 0;
    let position = START;
    for await (const batch of log.subscribe(await this.#place.load(), signal)) {
      const due: DueRedaction[] = [];
      let acted = false;
      for (const record of batch.records) {
        const redaction = redactionOf(record);
        if (redaction === undefined) continue;
        if ((await this.#wait(record)) > 0) {
          // What is before it is done; it and what comes with it is looked at again after a restart.
          await this.#forget(due.splice(0));
          await this.#place.store(record.position - 1);
        }
        for (let wait = await this.#wait(record); wait > 0; wait = await this.#wait(record)) {
          await pause(this.#side.ports.clock, wait, signal);
          if (signal.aborted) return;
        }
        acted = true;
        if (due.push(redaction) >= MOST_AT_ONCE) await this.#forget(due.splice(0));
        if (signal.aborted) return;
      }
      await this.#forget(due);
      position = batch.position;
      passed += batch.records.length;
      if (acted || passed >= STORE_EVERY) {
        await this.#place.store(batch.position);
        passed = 0;
      }
    }
    if (passed >= STORE_AT_END) await this.#place.store(position);
  }

  /** Milliseconds until the next look at the clock; 0 when the redaction is due. */
  async #wait(record: LoggedRecord): Promise<number> {
    if (this.#keptFor === 0) return 0;
    const now = this.#time.now();
    const { received_at } = record.metadata;
    const since = received_at <= now ? received_at : await this.#believableTime(record.position, now);
    const left = since + this.#keptFor - now;
    return left <= 0 ? 0 : Math.min(Math.max(left, SHORTEST_WAIT), LONGEST_WAIT);
  }

  async #believableTime(position: Position, now: number): Promise<number> {
    for await (const batch of this.#side.ports.log.readAll({ after: position })) {
      const sound = batch.records.find(({ metadata }) => metadata.received_at <= now);
      if (sound !== undefined) return sound.metadata.received_at;
    }
    if (this.#noticed?.position !== position) this.#noticed = { position, time: now };
    return this.#noticed.time;
  }

  async #forget(due: readonly DueRedaction[]): Promise<void> {
    const found: SealedEvent[] = [];
    for (const { roomId, target } of due) {
      const sealed = await this.#sealed(roomId, target);
      if (sealed !== undefined) found.push(sealed);
    }
    const context = { correlationId: 'redactions', now: this.#side.ports.clock.now() };
    await recordForgotten(this.#side, { cause: 'redacted' }, found, context);
  }

  /** An index that is behind, since other processes write the room too, is brought to its end first. */
  async #sealed(roomId: string, target: string): Promise<SealedEvent | undefined> {
    const { index, clock } = this.#side.ports;
    if (index.place(roomId, target) === undefined) {
      const context = { correlationId: 'redactions', now: clock.now() };
      await this.#side.rooms.handle(roomStream(roomId), context, () => ({ records: [], result: undefined }));
    }
    return sealedEvent(this.#side, roomId, target);
  }
}

/** What a record redacts: the write side has decided, when it accepted the event, whether it may. */
function redactionOf(record: LoggedRecord): DueRedaction | undefined {
  if (record.type !== 'room.event.accepted' || record.data.redaction?.applied !== true) return undefined;
  return { roomId: record.stream.slice(ROOM_PREFIX.length), target: record.data.redaction.target };
}
