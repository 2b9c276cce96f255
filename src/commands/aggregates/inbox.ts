import { hash } from 'node:crypto';
import type { RecordBody, ToDeviceSentV1 } from '../../log/records.js';

/** The name of the stream of what was sent to a user's devices: apart from the account, since it is given back. */
export function inboxStream(userId: string): string {
  return `to-device-${userId}`;
}

/** What the write side remembers of the messages to a user's devices; not the messages. */
export interface Inbox {
  /** The revision of the next record. */
  readonly next: number;
  /** By device: revisions between which there may be messages that it has not acknowledged. */
  readonly owed: ReadonlyMap<string, { readonly from: number; readonly to: number }>;
  /** The newest requests, newest last, by `requestKey`: one that comes again is known. */
  readonly requests: readonly string[];
}

export const EMPTY_INBOX: Inbox = { next: 0, owed: new Map(), requests: [] };

/** How many requests are told apart: a client repeats one whose answer it lost within moments. */
const MOST_REQUESTS = 256;

/** The inbox after one more record of its stream. */
export function evolveInbox(inbox: Inbox, record: RecordBody, revision: number): Inbox {
  const next = revision + 1;
  if (record.type === 'to_device.sent') {
    const owed = new Map(inbox.owed);
    for (const { device_id: id } of record.data.recipients) {
      owed.set(id, { from: owed.get(id)?.from ?? revision, to: revision });
    }
    const requests = [...inbox.requests, requestKey(record.data)].slice(-MOST_REQUESTS);
    return { next, owed, requests };
  }
  if (record.type !== 'to_device.acknowledged') return { ...inbox, next };
  const { device_id: id, revision: upTo } = record.data;
  const known = inbox.owed.get(id);
  if (known === undefined || upTo < known.from) return { ...inbox, next };
  const owed = new Map(inbox.owed);
  if (upTo >= known.to) owed.delete(id);
  else owed.set(id, { from: upTo + 1, to: known.to });
  return { ...inbox, next, owed };
}

/** The first revision that some device still needs. */
export function firstOwed({ next, owed }: Inbox): number {
  return Math.min(next, ...[...owed.values()].map(({ from }) => from));
}

/** Names a request among all (Client-Server API, Transaction identifiers); a hash, since clients choose the lengths. */
export function requestKey(
  request: Pick<ToDeviceSentV1, 'sender' | 'sender_device' | 'type' | 'transaction_id'>,
): string {
  const { sender, sender_device: device, type, transaction_id: transaction } = request;
  return hash('sha256', JSON.stringify([sender, device, type, transaction]), 'base64url').slice(0, 22);
}
