import { threads } from '../src/read-models/collections.js';
import type { Projection } from './projection.js';
import { recordedEvent } from './recorded-event.js';
import { searchableFields } from './searchable-fields.js';

/**
 * The threads of rooms, by when something was last said in them (Client-Server API, Threading). One whose messages
 * were all redacted since stays: who asks looks whether there are any.
 *
 * Cost: one document per event in a thread, none read.
 */
export const threadsProjection: Projection = {
  name: 'threads',
  version: 1,
  collections: [threads],
  handles: ['room.event.accepted'],
  evolve: async (record, documents) => {
    if (record.type !== 'room.event.accepted') return;
    const { type, content, stateKey, roomId } = recordedEvent(record).event;
    const { relates_to: relation } = searchableFields(type, content);
    if (relation?.rel_type !== 'm.thread' || stateKey !== undefined) return;
    documents.put(threads, { room_id: roomId, root: relation.event_id, position: record.position });
  },
};
