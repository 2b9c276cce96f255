import type { PusherSetV1 } from '../src/log/records.js';
import { pushers } from '../src/read-models/collections.js';
import type { Documents, Projection } from './projection.js';
import { userOfStream } from './streams.js';

/**
 * Pushers (Client-Server API, Push Notifications). One goes with the device that set it up; and where the same address
 * is set up by another user, who does not say that it is to be shared. One whose content was forgotten is not there.
 *
 * Cost: a document per record, and of those that go with it.
 */
export const pushersProjection: Projection = {
  name: 'pushers',
  version: 1,
  collections: [pushers],
  handles: ['pusher.set', 'pusher.deleted', 'device.deleted'],
  evolve: async (record, documents) => {
    const user = userOfStream(record.stream);
    switch (record.type) {
      case 'pusher.set':
        return set(user, record.data, record.position, documents);
      case 'pusher.deleted': {
        const { app_id, pushkey } = record.data;
        documents.delete(pushers, [user, app_id, pushkey]);
        return;
      }
      case 'device.deleted': {
        const gone = new Set(record.data.device_ids);
        for (const pusher of await documents.find(pushers, { prefix: [user] })) {
          if (gone.has(pusher.device_id)) documents.delete(pushers, [user, pusher.app_id, pusher.pushkey]);
        }
        return;
      }
      default:
        return;
    }
  },
};

async function set(
  user: string,
  { device_id, app_id, pushkey, append, pusher }: PusherSetV1,
  position: number,
  documents: Documents,
): Promise<void> {
  if (!append) {
    for (const other of await documents.find(pushers, { prefix: [app_id, pushkey] }, 'address')) {
      if (other.user_id !== user) documents.delete(pushers, [other.user_id, app_id, pushkey]);
    }
  }
  if (pusher === undefined) {
    documents.delete(pushers, [user, app_id, pushkey]);
  } else {
    const json = JSON.stringify(pusher);
    documents.put(pushers, { user_id: user, app_id, pushkey, device_id, json, position });
  }
}
