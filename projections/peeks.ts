import { peeks } from '../src/read-models/collections.js';
import type { Projection } from './projection.js';
import { userOfStream } from './streams.js';

/**
 * Rooms that devices look into without being in them (MSC2753).
 *
 * Cost: one document per record; a device that is signed out, as many as it had.
 */
export const peeksProjection: Projection = {
  name: 'peeks',
  version: 1,
  collections: [peeks],
  handles: ['room.peeked', 'room.unpeeked', 'device.deleted'],
  evolve: async (record, documents) => {
    const user_id = userOfStream(record.stream);
    const { position } = record;
    switch (record.type) {
      case 'room.peeked': {
        const { device_id, room_id } = record.data;
        documents.put(peeks, { user_id, device_id, room_id, position });
        return;
      }
      case 'room.unpeeked':
        for (const id of record.data.device_ids) documents.delete(peeks, [user_id, id, record.data.room_id]);
        return;
      case 'device.deleted':
        for (const id of record.data.device_ids) {
          for (const { room_id } of await documents.find(peeks, { prefix: [user_id, id] })) {
            documents.delete(peeks, [user_id, id, room_id]);
          }
        }
        return;
      default:
        return;
    }
  },
};
