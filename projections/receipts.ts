import { START } from '../src/log/position.js';
import { receipts } from '../src/read-models/collections.js';
import type { Projection } from './projection.js';
import { userOfStream } from './streams.js';

/**
 * Receipts (Client-Server API, Receipts): one per room, type, user and thread, which moves forwards only. One for an
 * event whose place is not known counts only until another is there. The fully-read marker is account data
 * (account-data.ts). Whether a private receipt is shown is a query's matter.
 *
 * Cost: one document per record.
 */
export const receiptsProjection: Projection = {
  name: 'receipts',
  version: 1,
  collections: [receipts],
  handles: ['receipt.posted'],
  evolve: async (record, documents) => {
    if (record.type !== 'receipt.posted') return;
    const { room_id, receipt_type, thread_id: thread, event_id, event_position, ts } = record.data;
    if (receipt_type === 'm.fully_read') return;
    const user_id = userOfStream(record.stream);
    const thread_id = thread ?? '';
    const before = await documents.get(receipts, [room_id, receipt_type, user_id, thread_id]);
    if (before !== undefined && !moves(before, { event_id, event_position })) return;
    const { position } = record;
    const place = { room_id, receipt_type, user_id, thread_id };
    documents.put(receipts, { ...place, event_id, event_position, ts, position });
  },
};

interface Place {
  readonly event_id: string;
  readonly event_position: number | null;
}

/** Whether a receipt goes from one event to another: never backwards, and not where it is already. */
function moves(from: Place, to: Place): boolean {
  const [before, after] = [from.event_position ?? START, to.event_position ?? START];
  return after > before || (after === before && from.event_id !== to.event_id);
}
