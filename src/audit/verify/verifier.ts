import { roomStream } from '../../commands/aggregates/room.js';
import { MissingGraphError } from '../../commands/room/receive-event.js';
import type { RoomPorts, RoomSession } from '../../commands/room/room-session.js';
import { Rooms } from '../../commands/room/rooms.js';
import { DivergedStateError } from '../../commands/room/state-nodes.js';
import type { LoggedRecord, RecordBatch } from '../../log/log.js';
import { recordValidators } from '../../log/schemas.js';
import type { RoomEvent } from '../../protocol/events.js';
import type { RoomVersion } from '../../protocol/room-versions.js';
import { MissingEventsError } from '../../protocol/state-resolution/index.js';
import { MissingNodeError } from '../../room-state/nodes.js';
import { decideAgain, outlierVerdict, type Again } from '../decide-again.js';
import { isEventLogged, openRoom, takeIn, takeInUnmade, type EventLogged } from '../replay.js';
import { compareDecisions } from './compare.js';
import { checkEvent, type EventChecked, type KeysOf } from './event-checks.js';
import { ForgottenRecords } from './forgotten.js';
import { findingOf, findingOfDamaged, type Fault, type Finding } from './finding.js';
import { StreamOrder } from './stream-order.js';

export interface VerifierOptions {
  readonly keysOf: KeysOf;
  readonly onFinding: (finding: Finding) => void;
  /** Records before this position are taken as verified: read, followed, and not checked. */
  readonly from?: number;
}

/** What was looked at, and what could not be. */
export interface VerifyCounts {
  records: number;
  events: number;
  findings: number;
  damaged: number;
  /** Events whose content was forgotten. */
  contentsForgotten: number;
  /** Events whose content came with a wrong hash, and was redacted on receipt. */
  contentsRedacted: number;
  signaturesUnchecked: number;
  /** Decisions that rest on what is damaged or forgotten. */
  decisionsUnchecked: number;
}

const ROOM_PREFIX = roomStream('');
/** Beyond it, rooms are opened anew from their snapshot. */
const MOST_OPEN_ROOMS = 10_000;

/**
 * Verifies the log record by record, in its order: what each says of itself, and for an event whether the same
 * would be decided and recorded now, by the write side's own functions, on the room as it was before.
 *
 * A wrong record is reported once: those after it are judged on what it says, or, where its states cannot be made,
 * on what it should say.
 */
export class Verifier {
  readonly counts: VerifyCounts = {
    records: 0,
    events: 0,
    findings: 0,
    damaged: 0,
    contentsForgotten: 0,
    contentsRedacted: 0,
    signaturesUnchecked: 0,
    decisionsUnchecked: 0,
  };
  readonly #ports: RoomPorts;
  readonly #options: VerifierOptions;
  readonly #rooms: Rooms;
  readonly #order: StreamOrder;
  readonly #validators = recordValidators();
  readonly #open = new Map<string, RoomSession>();
  /** Rooms that have lost a record, and with it the ground of what follows. */
  readonly #incomplete = new Set<string>();
  readonly #forgotten = new ForgottenRecords();
  #unchecked = false;

  constructor(ports: RoomPorts, options: VerifierOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#rooms = new Rooms(ports);
    this.#order = new StreamOrder(ports.log);
  }

  async take(batch: RecordBatch): Promise<void> {
    const { from = 0 } = this.#options;
    for (const damaged of batch.damaged) {
      this.#order.takeDamaged(damaged);
      if (damaged.position < from) continue;
      this.counts.damaged++;
      this.#found(findingOfDamaged(damaged));
    }
    // All of the batch's signatures are checked by other threads while this one decides.
    const checked = new Map<LoggedRecord, EventChecked>();
    for (const record of batch.records) {
      if (record.position < from || !isRoomEvent(record)) continue;
      checked.set(record, checkEvent(record, this.#ports.serverName, this.#options.keysOf));
    }
    for (const record of batch.records) {
      this.#unchecked = record.position < from;
      if (!this.#unchecked) this.counts.records++;
      await this.#verify(record, checked.get(record));
    }
    this.#unchecked = false;
    for (const [record, { signatureFaults }] of checked) {
      for (const fault of await Promise.all(signatureFaults)) {
        if (fault !== undefined) this.#fault(record, fault);
      }
    }
  }

  /** What can be said only when everything was read: whether what is forgotten was to be forgotten. */
  async finish(): Promise<void> {
    for (const finding of await this.#forgotten.unexplained(this.#ports.log)) this.#found(finding);
  }

  async #verify(record: LoggedRecord, checked: EventChecked | undefined): Promise<void> {
    if (record.forgotten && !this.#unchecked) this.#forgotten.take(record);
    const disorder = await this.#order.take(record);
    if (disorder !== undefined) this.#fault(record, disorder);
    const problem = this.#unchecked
      ? undefined
      : this.#validators.get(`${record.type}.v${record.version}`)?.(record.data);
    if (problem !== undefined) this.#fault(record, { kind: 'schema', reason: problem });
    if (!record.stream.startsWith(ROOM_PREFIX)) return;
    const session = this.#session(record.stream.slice(ROOM_PREFIX.length));
    if (isEventLogged(record)) await this.#verifyEvent(session, record, checked);
    else await takeInUnmade(this.#rooms, session, record);
    session.settle();
  }

  async #verifyEvent(
    session: RoomSession,
    record: EventLogged,
    checked: EventChecked | undefined,
  ): Promise<void> {
    if (checked === undefined) {
      await this.#follow(session, record, undefined, undefined);
      return;
    }
    this.counts.events++;
    const { event, version, faults, contentMissing, signaturesUnchecked } = checked;
    if (contentMissing === 'forgotten') this.counts.contentsForgotten++;
    if (contentMissing === 'redacted') this.counts.contentsRedacted++;
    this.counts.signaturesUnchecked += signaturesUnchecked;
    for (const fault of faults) this.#fault(record, fault);
    // Under the ID that it is recorded by, which others name it by.
    const known = event === undefined ? undefined : { ...event, eventId: record.data.event_id };
    const again =
      known === undefined || version === undefined
        ? undefined
        : await this.#decide(session, record, known, version);
    await this.#follow(session, record, known, again);
  }

  /** Decides again and compares; gives what comes of it, where something does. */
  async #decide(
    session: RoomSession,
    record: EventLogged,
    event: RoomEvent,
    version: RoomVersion,
  ): Promise<Again | undefined> {
    if (event.roomId !== session.roomId) {
      const reason = `Its event is of the room ${event.roomId}.`;
      this.#fault(record, { kind: 'format', reason });
      return undefined;
    }
    try {
      if (record.type === 'room.event.outlier') {
        await this.#judgeOutlier(session, record.data.rejected?.rule, event, version, record);
        return undefined;
      }
      const again = await decideAgain(session, event, version);
      if (again === undefined) {
        this.#fault(record, { kind: 'decision', reason: 'Its event was recorded before.' });
        return undefined;
      }
      const faults = compareDecisions(record, again);
      if (faults.length > 0 && (await this.#restsOnForgotten(record, event)))
        this.counts.decisionsUnchecked++;
      else for (const fault of faults) this.#fault(record, fault);
      return again;
    } catch (error) {
      if (!isMissing(error)) throw error;
      this.#undecidable(session, record, error);
      return undefined;
    }
  }

  /** An outlier has no place; what can be judged is what its own auth events say. */
  async #judgeOutlier(
    session: RoomSession,
    recorded: string | undefined,
    event: RoomEvent,
    version: RoomVersion,
    record: EventLogged,
  ): Promise<void> {
    const verdict = await outlierVerdict(session, event, version);
    if (verdict === undefined) this.counts.decisionsUnchecked++;
    else if (verdict.allowed ? recorded !== undefined : recorded !== verdict.rule) {
      const now = verdict.allowed ? 'allow it' : `refuse it by rule ${verdict.rule}: ${verdict.reason}`;
      const then = recorded === undefined ? 'allowed' : `refused by rule ${recorded}`;
      this.#fault(record, { kind: 'decision', reason: `Recorded as ${then}, but its auth events ${now}` });
    }
  }

  /** Redaction keeps nearly all that the rules look at, but not the keys of third-party invites. */
  async #restsOnForgotten(record: EventLogged, event: RoomEvent): Promise<boolean> {
    if (record.forgotten) return true;
    for (const id of event.authEvents) {
      const authEvent = await this.#ports.events.record(event.roomId, id);
      if (authEvent?.forgotten === true) return true;
    }
    return false;
  }

  /** Moves the room on by what was recorded; where its states cannot be made of that, by what was decided now. */
  async #follow(
    session: RoomSession,
    record: EventLogged,
    event: RoomEvent | undefined,
    again: Again | undefined,
  ): Promise<void> {
    try {
      await takeIn(this.#rooms, session, record, event);
    } catch (error) {
      if (!isMissing(error)) {
        // Without its event, nothing of the record can be followed but that it is there.
        if (event !== undefined) throw error;
        await takeInUnmade(this.#rooms, session, record);
        return;
      }
      // Roots that differ were reported by comparing.
      if (again === undefined) this.#undecidable(session, record, error);
      if (again !== undefined && 'data' in again) {
        await takeIn(this.#rooms, session, { ...record, ...again }, event);
      } else await takeInUnmade(this.#rooms, session, record);
    }
  }

  /** Reported once for a room: what follows from the same loss is counted. */
  #undecidable(session: RoomSession, record: EventLogged, error: Error): void {
    if (!this.#unchecked) this.counts.decisionsUnchecked++;
    if (this.#incomplete.has(session.roomId)) return;
    this.#incomplete.add(session.roomId);
    this.#fault(record, { kind: 'undecidable', reason: error.message });
  }

  #session(roomId: string): RoomSession {
    const known = this.#open.get(roomId);
    if (known !== undefined) return known;
    if (this.#open.size >= MOST_OPEN_ROOMS) this.#open.clear();
    const session = openRoom(this.#ports, roomId);
    this.#open.set(roomId, session);
    return session;
  }

  #fault(record: LoggedRecord, fault: Fault): void {
    if (!this.#unchecked) this.#found(findingOf(record, fault));
  }

  #found(finding: Finding): void {
    this.counts.findings++;
    this.#options.onFinding(finding);
  }
}

function isRoomEvent(record: LoggedRecord): record is EventLogged {
  return record.stream.startsWith(ROOM_PREFIX) && isEventLogged(record);
}

/** What a decision or a state rests on is not there. */
function isMissing(error: unknown): error is Error {
  return (
    error instanceof MissingGraphError ||
    error instanceof MissingEventsError ||
    error instanceof MissingNodeError ||
    error instanceof DivergedStateError
  );
}
