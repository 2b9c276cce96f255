import { roomAliases } from '../src/read-models/collections.js';
import type { Projection } from './projection.js';

/** Room aliases of this server: the room that each names, by whom. One that is made again names its new room. */
export const directoryProjection: Projection = {
  name: 'directory',
  version: 1,
  collections: [roomAliases],
  handles: ['room.alias.created', 'room.alias.deleted'],
  async evolve(record, documents) {
    switch (record.type) {
      case 'room.alias.created': {
        const { alias, room_id, by: creator } = record.data;
        documents.put(roomAliases, { alias, room_id, creator, position: record.position });
        return;
      }
      case 'room.alias.deleted':
        documents.delete(roomAliases, [record.data.alias]);
        return;
      default:
    }
  },
};
