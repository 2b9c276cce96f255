import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deactivate } from '../../src/commands/account.js';
import { accountConsequences } from '../../src/commands/account-consequences.js';
import { inboxStream } from '../../src/commands/aggregates/inbox.js';
import { deleteDevices } from '../../src/commands/devices.js';
import { login } from '../../src/commands/login.js';
import {
  acknowledgeToDevice,
  dropForDeletedDevices,
  sendToDevice,
  type ToDeviceRequest,
} from '../../src/commands/send-to-device.js';
import { World } from '../support/world.js';

let world: World;
let alice: string;
let bob: string;

beforeEach(async () => {
  world = await World.open();
  alice = await world.user('alice', 'secret');
  bob = await world.user('bob', 'secret');
  for (const deviceId of ['PHONE', 'TAB']) await signIn(bob, deviceId);
});

afterEach(async () => {
  await world.close();
});

const signIn = (user: string, deviceId: string) =>
  login(world.side, { user, password: 'secret', deviceId }, world.context());

let transactions = 0;
const send = (messages: ToDeviceRequest['messages'], transactionId = `t${++transactions}`) => {
  const request = { type: 'm.example', transactionId, messages };
  return sendToDevice(world.side, { userId: alice, deviceId: 'PHONE' }, request, world.context());
};
const acknowledge = (deviceId: string, revision: number) =>
  acknowledgeToDevice(world.side, bob, deviceId, revision, world.context());
const kept = async () => (await world.records(inboxStream(bob))).map(({ revision }) => revision);

describe('sending to devices', () => {
  it('is one record for a user, whatever the number of devices', async () => {
    await world.leadsTo(() => send({ [bob]: { '*': { n: 1 }, TAB: { n: 2 } } }), ['to_device.sent']);
    const [record] = await world.recordsOf('to_device.sent');
    expect(record?.data).toEqual({
      sender: alice,
      sender_device: 'PHONE',
      transaction_id: `t${transactions}`,
      type: 'm.example',
      recipients: [
        { device_id: 'PHONE', content: 0 },
        { device_id: 'TAB', content: 1 },
      ],
      contents: [{ n: 1 }, { n: 2 }],
    });
  });

  it('passes over who is not there', async () => {
    await world.leadsTo(() => send({ [bob]: { BOX: {} }, '@nobody:one.example': { '*': {} } }), []);
    await world.leadsTo(() => send({ '@bob:two.example': { PHONE: {} }, [alice]: { '*': {} } }), []);
    await world.refuses(() => send({ bob: { PHONE: {} } }), 'M_INVALID_PARAM');
  });

  it('does nothing again when it is repeated, also after a restart', async () => {
    await send({ [bob]: { PHONE: {} } }, 'same');
    await world.leadsTo(() => send({ [bob]: { PHONE: {} } }, 'same'), []);
    await world.restart();
    await world.leadsTo(() => send({ [bob]: { PHONE: {} } }, 'same'), []);
    await acknowledge('PHONE', 0);
    await world.restart();
    await world.leadsTo(() => send({ [bob]: { PHONE: {} } }, 'same'), []);
    await world.leadsTo(() => send({ [bob]: { PHONE: {} } }, 'other'), ['to_device.sent']);
  });

  it('adds what had not come through when it is repeated', async () => {
    await signIn(alice, 'BOX');
    await send({ [bob]: { PHONE: {} } }, 'same');
    await world.leadsTo(
      () => send({ [bob]: { PHONE: {} }, [alice]: { BOX: {} } }, 'same'),
      ['to_device.sent'],
    );
    expect(await world.records(inboxStream(alice))).toHaveLength(1);
  });

  it('keeps the order of requests, and all of them where another process writes too', async () => {
    const rival = world.rival();
    const request = { type: 'm.example', transactionId: 'r', messages: { [bob]: { PHONE: { n: -1 } } } };
    const sender = { userId: alice, deviceId: 'OTHER' };
    const sends = [];
    for (let n = 0; n < 10; n++) sends.push(send({ [bob]: { PHONE: { n } } }));
    sends.push(sendToDevice(rival, sender, request, world.context()));
    await Promise.all(sends);
    const found = (await world.recordsOf('to_device.sent')).map(({ data }) => data.contents?.[0]?.['n']);
    expect(found.filter((n) => n !== -1)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(found).toContain(-1);
  });
});

describe('acknowledging', () => {
  it('is recorded once, where there is something to acknowledge', async () => {
    await send({ [bob]: { PHONE: {} } });
    await world.leadsTo(() => acknowledge('PHONE', 0), ['to_device.acknowledged']);
    await world.leadsTo(() => acknowledge('PHONE', 0), []);
    await world.leadsTo(() => acknowledge('TAB', 0), []);
  });

  it('gives back what no device needs, and nothing that one does', async () => {
    for (let n = 0; n < 100; n++) await send({ [bob]: { '*': { n } } });
    await acknowledge('PHONE', 99);
    expect(await kept()).toHaveLength(101);
    await acknowledge('TAB', 69);
    const after = await kept();
    expect(after[0]).toBeGreaterThan(40);
    expect(after[0]).toBeLessThanOrEqual(70);
    expect(after.at(-1)).toBe(101);
    // Another server would find its place by the log alone.
    await world.restart();
    await acknowledge('TAB', 99);
    expect((await kept())[0]).toBeGreaterThan(70);
    await world.leadsTo(() => send({ [bob]: { TAB: {} } }), ['to_device.sent']);
    expect((await kept()).at(-1)).toBe(103);
  });

  it('goes on where everything was given back', async () => {
    for (let n = 0; n < 3; n++) await send({ [bob]: { PHONE: {} } });
    await world.log.setRetention(inboxStream(bob), { truncateBefore: 3 });
    await world.restart();
    await world.leadsTo(() => send({ [bob]: { PHONE: {} } }), ['to_device.sent']);
    expect(await kept()).toEqual([3]);
  });
});

describe('devices that are gone', () => {
  it('hold nothing back', async () => {
    for (let n = 0; n < 100; n++) await send({ [bob]: { '*': { n } } });
    await acknowledge('PHONE', 99);
    await deleteDevices(world.side, bob, ['TAB'], world.context());
    const ending = new AbortController();
    const running = accountConsequences(world.side).run(ending.signal);
    while ((await kept()).length > 50) await new Promise(setImmediate);
    ending.abort();
    await running;
    expect(await dropForDeletedDevices(world.side, bob, world.context())).toBe(false);
  });

  it('get what they were sent when they sign in again', async () => {
    await send({ [bob]: { TAB: {} } });
    await deleteDevices(world.side, bob, ['TAB'], world.context());
    await signIn(bob, 'TAB');
    expect(await dropForDeletedDevices(world.side, bob, world.context())).toBe(false);
    await world.leadsTo(() => acknowledge('TAB', 0), ['to_device.acknowledged']);
  });

  it('are all of them once the account is closed', async () => {
    await send({ [bob]: { '*': {} } });
    await deactivate(world.side, bob, false, world.context());
    expect(await dropForDeletedDevices(world.side, bob, world.context())).toBe(true);
    await world.leadsTo(() => send({ [bob]: { '*': {} } }), []);
  });
});
