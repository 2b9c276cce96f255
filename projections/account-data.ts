import type { LoggedRecord } from '../src/log/log.js';
import { START } from '../src/log/position.js';
import type { ReceiptPostedV1 } from '../src/log/records.js';
import { accountData, type AccountData } from '../src/read-models/collections.js';
import type { Documents, Projection } from './projection.js';
import { userOfStream } from './streams.js';

const FULLY_READ = 'm.fully_read';

/**
 * Account data of accounts and rooms (Client-Server API, Client Config; Room Tagging; Fully read markers). Content
 * is as it was recorded, as JSON text; of `m.push_rules` that is what is the user's own (`UserRules`), and queries
 * lay the predefined rules under it. Content that was forgotten is gone here too, and all of it once the account is
 * closed, as nobody can ask for it any more.
 *
 * Cost: one document per record.
 */
export const accountDataProjection: Projection = {
  name: 'account-data',
  version: 1,
  collections: [accountData],
  handles: ['account_data.changed', 'receipt.posted', 'user.deactivated'],
  evolve,
};

async function evolve(record: LoggedRecord, documents: Documents): Promise<void> {
  const user = userOfStream(record.stream);
  const { position } = record;
  switch (record.type) {
    case 'account_data.changed': {
      const { room_id, type, content } = record.data;
      const room = room_id ?? '';
      if (content === undefined) {
        documents.delete(accountData, [user, room, type]);
      } else {
        const text = JSON.stringify(content);
        documents.put(accountData, { user_id: user, room_id: room, type, content: text, position });
      }
      return;
    }
    case 'receipt.posted':
      if (record.data.receipt_type === FULLY_READ) await moveMarker(user, record.data, position, documents);
      return;
    case 'user.deactivated':
      for (const { room_id, type } of await documents.find(accountData, { prefix: [user] })) {
        documents.delete(accountData, [user, room_id, type]);
      }
      return;
    default:
      return;
  }
}

/** The marker moves forwards only, as far as the events' places are known. */
async function moveMarker(
  user: string,
  data: ReceiptPostedV1,
  position: number,
  documents: Documents,
): Promise<void> {
  const { room_id, event_id, event_position } = data;
  const before = await documents.get(accountData, [user, room_id, FULLY_READ]);
  if (before?.event_position !== undefined && (event_position ?? START) <= before.event_position) return;
  const marker: AccountData = {
    user_id: user,
    room_id,
    type: FULLY_READ,
    content: JSON.stringify({ event_id }),
    ...(event_position === null ? {} : { event_position }),
    position,
  };
  documents.put(accountData, marker);
}
