import { describe, expect, test } from 'vitest';
import { toDeviceProjection } from '../../projections/to-device.js';
import { toDeviceMessages } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { alice, bob } from '../support/people.js';
import { projectionContract } from '../support/projections.js';
import { RecordedUser } from '../support/recorded-user.js';

async function messagesAfter(story: (user: RecordedUser) => unknown) {
  const log = new MemoryLog();
  story(new RecordedUser(log, alice));
  return (await folded(toDeviceProjection, log.records)).of(toDeviceMessages);
}

describe('messages to devices', () => {
  test('are kept for each device, as it gets them', async () => {
    const found = await messagesAfter((user) => {
      user.isSent(bob.id, [{ a: 1 }, JSON.parse('{"__proto__":2}') as object], { PHONE: 0, TAB: 1, BOX: 0 });
    });
    const rest = { user_id: alice.id, position: 0, index: 0, revision: 0 };
    const text = (content: string) => `{"sender":"${bob.id}","type":"m.example","content":${content}}`;
    expect(found).toEqual([
      { ...rest, device_id: 'BOX', json: text('{"a":1}') },
      { ...rest, device_id: 'PHONE', json: text('{"a":1}') },
      { ...rest, device_id: 'TAB', json: text('{"__proto__":2}') },
    ]);
  });

  test('go once the device has acknowledged them, from others they do not', async () => {
    const found = await messagesAfter((user) => {
      for (let n = 0; n < 205; n++) user.isSent(bob.id, [{ n }], { PHONE: 0, ...(n < 3 ? { TAB: 0 } : {}) });
      user.acknowledges('PHONE', 203);
    });
    expect(found.map(({ device_id, revision }) => [device_id, revision])).toEqual([
      ['PHONE', 204],
      ['TAB', 0],
      ['TAB', 1],
      ['TAB', 2],
    ]);
  });

  test('are not there once their content was forgotten', async () => {
    expect(await messagesAfter((user) => user.isSent(bob.id, undefined, { PHONE: 0 }))).toEqual([]);
  });
});

const log = new MemoryLog();
const [a, b] = [new RecordedUser(log, alice), new RecordedUser(log, bob)];
a.isSent(bob.id, [{ n: 1 }], { PHONE: 0, TAB: 0 });
b.isSent(bob.id, [{ n: 1 }, { n: 2 }], { PHONE: 0, TAB: 1 });
a.isSent(bob.id, undefined, { PHONE: 0 });
a.acknowledges('PHONE', 0);
a.isSent(alice.id, [{ n: 3 }], { PHONE: 0, TAB: 0 });
a.acknowledges('TAB', 2);
a.acknowledges('NEVER', 9);
a.isSent(alice.id, [{ n: 4 }], { ['__proto__']: 0, TAB: 0 });
projectionContract(toDeviceProjection, log.records);
