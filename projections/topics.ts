import type { LoggedRecord } from '../src/log/log.js';

/** Whom a record concerns: those who read in a room, and users as such. */
export interface Topics {
  readonly rooms: ReadonlySet<string>;
  readonly users: ReadonlySet<string>;
  /** Rooms of which something was redacted or forgotten: no news, but nobody should have it at hand any more. */
  readonly redacted: ReadonlySet<string>;
  /** Users to whose devices something was sent: their memberships and data are as they were. */
  readonly inboxes: ReadonlySet<string>;
}

const ROOM = 'room-';
const USER = 'user-';
const RECEIPTS = 'receipts-';
const TO_DEVICE = 'to-device-';

/**
 * Whom these records concern. A poll sleeps on this: it is told that, and where, something happened, and never
 * what, so that what it then reads is all there is.
 */
export function topicsOf(records: readonly LoggedRecord[]): Topics {
  const rooms = new Set<string>();
  const users = new Set<string>();
  const redacted = new Set<string>();
  const inboxes = new Set<string>();
  for (const record of records) {
    const { stream } = record;
    if (stream.startsWith(ROOM)) {
      if (record.type === 'room.event.accepted') {
        rooms.add(stream.slice(ROOM.length));
        if (record.data.redaction?.applied === true) redacted.add(stream.slice(ROOM.length));
        for (const { type, state_key } of record.data.current?.delta ?? []) {
          if (type === 'm.room.member') users.add(state_key);
        }
      }
    } else if (stream.startsWith(USER)) {
      users.add(stream.slice(USER.length));
    } else if (stream.startsWith(RECEIPTS) && record.type === 'receipt.posted') {
      users.add(stream.slice(RECEIPTS.length));
      if (record.data.receipt_type === 'm.read') rooms.add(record.data.room_id);
    } else if (record.type === 'content.forgotten') {
      for (const { room_id } of record.data.events) redacted.add(room_id);
    } else if (stream.startsWith(TO_DEVICE) && record.type === 'to_device.sent') {
      inboxes.add(stream.slice(TO_DEVICE.length));
    }
  }
  return { rooms, users, redacted, inboxes };
}
