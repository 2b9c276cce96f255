import type { ToDeviceAcknowledgedV1, ToDeviceSentV1 } from '../src/log/records.js';
import { toDeviceMessages } from '../src/read-models/collections.js';
import type { Documents, Projection } from './projection.js';
import { userOfStream } from './streams.js';

/** Messages that are read at once to be deleted. */
const PAGE = 100;

/**
 * Messages to devices that these have not acknowledged (Client-Server API, Send-to-Device messaging). Those whose
 * content was forgotten are not there.
 *
 * Cost: one document per device of a message, and its deletion.
 */
export const toDeviceProjection: Projection = {
  name: 'to-device',
  version: 1,
  collections: [toDeviceMessages],
  handles: ['to_device.sent', 'to_device.acknowledged'],
  evolve: async (record, documents) => {
    const user = userOfStream(record.stream);
    if (record.type === 'to_device.sent') deliver(user, record, record.data, documents);
    else if (record.type === 'to_device.acknowledged') await settle(user, record.data, documents);
  },
};

interface Place {
  readonly position: number;
  readonly index: number;
  readonly revision: number;
}

function deliver(
  user: string,
  { position, index, revision }: Place,
  { sender, type, recipients, contents = [] }: ToDeviceSentV1,
  documents: Documents,
): void {
  const texts = contents.map((content) => JSON.stringify({ sender, type, content }));
  for (const { device_id, content } of recipients) {
    const json = texts[content];
    if (json === undefined) continue;
    documents.put(toDeviceMessages, { user_id: user, device_id, position, index, revision, json });
  }
}

async function settle(
  user: string,
  { device_id: device, revision: upTo }: ToDeviceAcknowledgedV1,
  documents: Documents,
): Promise<void> {
  for (;;) {
    const page = await documents.find(toDeviceMessages, { prefix: [user, device], limit: PAGE });
    const settled = page.filter(({ revision }) => revision <= upTo);
    for (const { position, index } of settled) {
      documents.delete(toDeviceMessages, [user, device, position, index]);
    }
    if (settled.length < PAGE) return;
  }
}
