import type { RoomEvent } from '../protocol/events.js';
import { checkContentHash } from '../protocol/hashes.js';
import type { RoomSession } from '../commands/room/room-session.js';

/** An event as an audit shows it. */
export interface EventSummary {
  readonly event_id: string;
  readonly type: string;
  readonly state_key?: string;
  readonly sender: string;
  /** As its sender claims, milliseconds since the epoch. */
  readonly origin_server_ts: number;
  readonly standing: string;
  /** Where the log has it. */
  readonly position?: number;
  readonly content: unknown;
  /** Only where content is what redaction leaves, and not what was sent: it was forgotten, or came redacted. */
  readonly forgotten?: true;
}

export function summaryOf(session: RoomSession, event: RoomEvent): EventSummary {
  const place = session.place(event.eventId);
  return {
    event_id: event.eventId,
    type: event.type,
    ...(event.stateKey === undefined ? {} : { state_key: event.stateKey }),
    sender: event.sender,
    origin_server_ts: event.originServerTs,
    standing: place?.standing ?? 'unknown',
    ...(place === undefined ? {} : { position: place.position }),
    content: event.content,
    ...(checkContentHash(event.pdu) ? {} : { forgotten: true as const }),
  };
}

/** Summaries by ID; an event that the log does not have, or has damaged, gives its ID alone. */
export async function summaries(
  session: RoomSession,
  ids: readonly string[],
): Promise<(EventSummary | { readonly event_id: string; readonly standing: 'unknown' })[]> {
  await session.load(ids);
  return ids.map((id) => {
    const event = session.event(id);
    return event === undefined ? { event_id: id, standing: 'unknown' as const } : summaryOf(session, event);
  });
}
