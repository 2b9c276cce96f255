import { transactionKey } from '../../room-state/room-index.js';

/**
 * Names a client's send within a room. A transaction ID is of one device and one endpoint (Client-Server API, Transaction
 * identifiers): that of a redaction is none of a message. No user ID begins with the word before it.
 */
export function sendKey(type: unknown, userId: string, deviceId: string, transactionId: string): string {
  const by = type === 'm.room.redaction' ? `redact:${userId}` : userId;
  return transactionKey(by, deviceId, transactionId);
}
