import { profiles } from '../src/read-models/collections.js';
import type { Projection } from './projection.js';
import { userOfStream } from './streams.js';

/**
 * Profiles (Client-Server API, Profiles): fields laid over those before, `null` removes one. A user who set none
 * has no document; an account that was closed with erasure loses its own.
 *
 * Cost: one document per record.
 */
export const profilesProjection: Projection = {
  name: 'profiles',
  version: 1,
  collections: [profiles],
  handles: ['profile.changed', 'user.deactivated'],
  evolve: async (record, documents) => {
    const user = userOfStream(record.stream);
    if (record.type === 'user.deactivated' && record.data.erase) documents.delete(profiles, [user]);
    if (record.type !== 'profile.changed') return;
    const before = await documents.get(profiles, [user]);
    const fields = merged(before?.fields ?? {}, record.data.fields ?? {});
    documents.put(profiles, { user_id: user, fields, position: record.position });
  },
};

/** Names are a client's: as entries, even `__proto__` is a name like any other. */
function merged(
  before: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const fields = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) fields.delete(name);
    else fields.set(name, value);
  }
  return Object.fromEntries(fields);
}
