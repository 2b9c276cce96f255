import { receipts, type Receipt } from '../../read-models/collections.js';
import type { ReadSide, Viewer } from '../read-side.js';
import type { SyncPass } from './request.js';

/**
 * What is going on in a room besides events: receipts since the last answer, and who is typing if that changed
 * (Client-Server API, Receipts; Typing Notifications). Private receipts are their owner's alone.
 */
export async function ephemeralPart(
  side: ReadSide,
  pass: SyncPass,
  roomId: string,
  since: number | undefined,
): Promise<string[]> {
  const filter = pass.filter.room.ephemeral;
  const parts: string[] = [];
  if (filter.matchesType('m.receipt')) {
    const content = await receiptsSince(side, pass, roomId, since);
    if (content !== undefined) parts.push(`{"type":"m.receipt","content":${JSON.stringify(content)}}`);
  }
  if (filter.matchesType('m.typing')) {
    const typing = typingSince(side, pass, roomId, since === undefined ? 0 : (pass.since?.ephemeral ?? 0));
    if (typing !== undefined && (since !== undefined || typing.length > 0)) {
      parts.push(`{"type":"m.typing","content":{"user_ids":${JSON.stringify(typing)}}}`);
    }
  }
  return parts;
}

/** The content of an `m.receipt` with a room's receipts after a position that a viewer may see; undefined for none. */
export async function receiptsSince(
  side: ReadSide,
  { viewer, to }: { readonly viewer: Viewer; readonly to: { readonly position: number } },
  roomId: string,
  since: number | undefined,
): Promise<Record<string, unknown> | undefined> {
  const range = since === undefined ? {} : { after: [since] };
  const found = await side.store.collection(receipts).find({ prefix: [roomId], ...range }, 'changed');
  const seen = found.filter(
    (receipt) =>
      receipt.position <= to.position &&
      (receipt.receipt_type === 'm.read' ||
        (receipt.receipt_type === 'm.read.private' && receipt.user_id === viewer.userId)),
  );
  return seen.length > 0 ? receiptContent(seen) : undefined;
}

/** Who is typing in a room, but for those whom the viewer ignores; undefined where it has not changed. */
export function typingSince(
  side: ReadSide,
  { ignored }: { readonly ignored: ReadonlySet<string> },
  roomId: string,
  since: number,
): string[] | undefined {
  return side.typing.changedSince(roomId, since)?.filter((userId) => !ignored.has(userId));
}

/** Receipts by event, type and user, as `m.receipt` has them. */
export function receiptContent(found: readonly Receipt[]): Record<string, unknown> {
  const events = new Map<string, Map<string, Map<string, { ts: number; thread_id?: string }>>>();
  for (const { event_id, receipt_type, user_id, ts, thread_id } of found) {
    const types = events.get(event_id) ?? new Map<string, Map<string, { ts: number; thread_id?: string }>>();
    events.set(event_id, types);
    const users = types.get(receipt_type) ?? new Map<string, { ts: number; thread_id?: string }>();
    types.set(receipt_type, users);
    users.set(user_id, thread_id === '' ? { ts } : { ts, thread_id });
  }
  const plain = (types: Map<string, Map<string, object>>) =>
    Object.fromEntries([...types].map(([type, users]) => [type, Object.fromEntries(users)]));
  return Object.fromEntries([...events].map(([eventId, types]) => [eventId, plain(types)]));
}
