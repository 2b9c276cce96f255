import type { RecordBody } from '../log/records.js';
import { MatrixError } from '../protocol/errors.js';
import type { CommandContext, Done } from './command.js';
import type { WriteSide } from './write-side.js';

/** The name of a user's stream of receipts: apart from the account, since there are many and only the last counts. */
export function receiptStream(userId: string): string {
  return `receipts-${userId}`;
}

export type ReceiptType = 'm.read' | 'm.read.private' | 'm.fully_read';

export interface ReceiptRequest {
  readonly type: ReceiptType;
  readonly eventId: string;
  /** `main`, a thread's root, or `null` for an unthreaded receipt. */
  readonly threadId: string | null;
}

/**
 * `POST /rooms/{roomId}/receipt/...` and `POST /rooms/{roomId}/read_markers`: several markers in one append. That a
 * receipt never moves back is the projection's business, by the events' places in the log, which are recorded.
 *
 * @throws MatrixError M_FORBIDDEN for who is not in the room, M_INVALID_PARAM for a thread that cannot be
 */
export function postReceipts(
  side: WriteSide,
  userId: string,
  roomId: string,
  receipts: readonly ReceiptRequest[],
  context: CommandContext,
): Promise<Done<undefined>> {
  if (side.ports.index.membership(userId, roomId) !== 'join')
    throw new MatrixError('M_FORBIDDEN', 'Only members of the room can mark its events as read.');
  const records = receipts.map(({ type, eventId, threadId }): RecordBody => {
    if (threadId === '') throw new MatrixError('M_INVALID_PARAM', 'thread_id must not be empty.');
    if (type === 'm.fully_read' && threadId !== null) {
      throw new MatrixError('M_INVALID_PARAM', 'The fully-read marker knows no threads.');
    }
    const place = side.ports.index.place(roomId, eventId);
    return {
      type: 'receipt.posted',
      version: 1,
      data: {
        room_id: roomId,
        event_id: eventId,
        receipt_type: type,
        thread_id: threadId,
        event_position: place === undefined ? null : place.position,
        ts: context.now,
      },
    };
  });
  return side.others.handle(receiptStream(userId), context, () => ({ records, result: undefined }));
}
