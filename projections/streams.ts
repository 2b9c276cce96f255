/** Streams are named after what they are about (src/commands/aggregates); these are the names' other halves. */

const ACCOUNT = 'user-';
const RECEIPTS = 'receipts-';
const TO_DEVICE = 'to-device-';
const ROOM = 'room-';

/** The user whose account, receipts or inbox a stream is about. @throws Error for any other stream */
export function userOfStream(stream: string): string {
  for (const prefix of [ACCOUNT, RECEIPTS, TO_DEVICE]) {
    if (stream.startsWith(prefix)) return stream.slice(prefix.length);
  }
  throw new Error(`The stream ${stream} is not a user's.`);
}

/** The room that a stream is about. @throws Error for any other stream */
export function roomOfStream(stream: string): string {
  if (stream.startsWith(ROOM)) return stream.slice(ROOM.length);
  throw new Error(`The stream ${stream} is not a room's.`);
}
