import { roomStream } from '../commands/aggregates/room.js';
import type { RoomSession } from '../commands/room/room-session.js';
import { parseStateKeyText, stateKeyText } from '../protocol/events.js';
import { diff } from '../room-state/diff.js';
import { isEventLogged } from './replay.js';
import type { Located } from './state-at.js';
import { summaryOf, type EventSummary } from './summary.js';

/** One key on which two states of a room differ. */
export interface StateChange {
  readonly type: string;
  readonly state_key: string;
  readonly before: EventSummary | null;
  readonly after: EventSummary | null;
  /**
   * The last record between the two that changed the room's current state here, where there is one: the event that
   * it holds, which is not `after` where state resolution made the change.
   */
  readonly by: ChangedBy | null;
}

export interface ChangedBy {
  readonly position: number;
  /** When we received it, milliseconds since the epoch. */
  readonly received_at: number;
  readonly event: EventSummary;
  /** Whether the change is not the event itself, but what resolution made of the room's states with it. */
  readonly by_resolution: boolean;
}

/** What changed from one state to another, by whom. Costs the difference, and the records in between. */
export async function stateChanges(session: RoomSession, from: Located, to: Located): Promise<StateChange[]> {
  const differences = [...diff(session.ports.reader, from.root, to.root)];
  const makers = await changedBy(session, from, to, new Set(differences.map(({ key }) => key)));
  const changes: StateChange[] = [];
  for (const { key, before, after } of differences) {
    const { type, stateKey } = parseStateKeyText(key);
    changes.push({
      type,
      state_key: stateKey,
      before: await summaryById(session, before),
      after: await summaryById(session, after),
      by: makers.get(key) ?? null,
    });
  }
  const order = ({ by, after }: StateChange) => by?.position ?? after?.position ?? 0;
  return changes.sort((a, b) => order(a) - order(b));
}

async function changedBy(
  session: RoomSession,
  from: Located,
  to: Located,
  keys: ReadonlySet<string>,
): Promise<Map<string, ChangedBy>> {
  const makers = new Map<string, ChangedBy>();
  const [first, last] = from.revision <= to.revision ? [from, to] : [to, from];
  if (keys.size === 0 || first.revision === last.revision) return makers;
  for await (const batch of session.ports.log.read(roomStream(session.roomId), {
    from: first.revision + 1,
  })) {
    for (const record of batch.records) {
      if (record.revision > last.revision) return makers;
      if (!isEventLogged(record) || record.type !== 'room.event.accepted') continue;
      for (const { type, state_key, event_id } of record.data.current?.delta ?? []) {
        const key = stateKeyText(type, state_key);
        if (!keys.has(key)) continue;
        const event = await summaryById(session, record.data.event_id);
        if (event === null) continue;
        makers.set(key, {
          position: record.position,
          received_at: record.metadata.received_at,
          event,
          by_resolution: event_id !== record.data.event_id,
        });
      }
    }
  }
  return makers;
}

async function summaryById(session: RoomSession, id: string | undefined): Promise<EventSummary | null> {
  if (id === undefined) return null;
  await session.load([id]);
  const event = session.event(id);
  return event === undefined ? null : summaryOf(session, event);
}
