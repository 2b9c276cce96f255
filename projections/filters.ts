import { filters } from '../src/read-models/collections.js';
import type { Projection } from './projection.js';
import { userOfStream } from './streams.js';

/**
 * Stored filters (Client-Server API, Filtering). They never change; those of a closed account go, as nobody can
 * use them any more.
 *
 * Cost: one document per record.
 */
export const filtersProjection: Projection = {
  name: 'filters',
  version: 1,
  collections: [filters],
  handles: ['filter.created', 'user.deactivated'],
  evolve: async (record, documents) => {
    const user = userOfStream(record.stream);
    if (record.type === 'filter.created') {
      const { filter_id, filter } = record.data;
      documents.put(filters, { user_id: user, filter_id, filter, position: record.position });
    } else {
      for (const { filter_id } of await documents.find(filters, { prefix: [user] })) {
        documents.delete(filters, [user, filter_id]);
      }
    }
  },
};
