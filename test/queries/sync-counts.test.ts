import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setAccountData } from '../../src/commands/account-data.js';
import { postReceipts } from '../../src/commands/receipts.js';
import { redactEvent } from '../../src/commands/room-send.js';
import { TestCore } from '../support/core.js';
import { until } from '../support/until.js';

let test: TestCore;
let alice: string;
let bob: string;
let carol: string;

beforeEach(async () => {
  test = await TestCore.open();
  [alice, bob, carol] = [await test.user('alice'), await test.user('bob'), await test.user('carol')];
});

afterEach(async () => {
  await test.close();
});

const write = () => test.core.write;
/** Nothing but what is no event. */
const filter = { room: { timeline: { types: [] }, state: { types: [] }, ephemeral: { types: [] } } };

/** The counts that a client is told of, whose last token is given; undefined where it is told nothing of the room. */
async function told(userId: string, roomId: string, since: string): Promise<number | undefined> {
  const room = (await test.sync(userId, { since, filter })).rooms.join[roomId];
  return room?.unread_notifications.notification_count;
}

const token = async (userId: string) => (await test.sync(userId, { filter })).next_batch;

async function redacts(userId: string, roomId: string, target: string): Promise<void> {
  const redaction = { target, content: {}, transactionId: `r${target}` };
  const sender = { userId, deviceId: 'PHONE' };
  await test.done(redactEvent(write(), sender, roomId, redaction, test.context()));
}

async function reads(userId: string, roomId: string, eventId: string): Promise<void> {
  const receipt = { type: 'm.read.private', eventId, threadId: null } as const;
  await test.done(postReceipts(write(), userId, roomId, [receipt], test.context()));
}

describe('to a client that wants no events, sync', () => {
  it('tells of rooms of which the counts changed, and of no others', async () => {
    const roomId = await test.room(alice, { preset: 'public_chat' }, [bob, carol]);
    let since = await token(bob);
    expect(await told(bob, roomId, since)).toBeUndefined();
    const first = await test.says(alice, roomId, '1');
    expect(await told(bob, roomId, since)).toBe(1);
    since = await token(bob);
    await test.sets(alice, roomId, 'm.room.topic', { topic: 'of no interest' });
    expect(await told(bob, roomId, since)).toBeUndefined();
    const second = await test.says(carol, roomId, '2');
    await reads(bob, roomId, first);
    expect(await told(bob, roomId, since)).toBe(1);
    since = await token(bob);
    await reads(alice, roomId, second);
    expect(await told(bob, roomId, since)).toBeUndefined();
    await redacts(carol, roomId, second);
    expect(await told(bob, roomId, since)).toBe(0);
  });

  it('tells whoever has settings of their own of what these let through', async () => {
    const roomId = await test.room(alice, { preset: 'public_chat' }, [bob, carol]);
    await test.says(alice, roomId, '1');
    const content = { ignored_users: { [alice]: {} } };
    const type = 'm.ignored_user_list';
    await test.done(setAccountData(write(), bob, null, type, content, test.context()));
    const [since, hers] = [await token(bob), await token(carol)];
    await test.says(alice, roomId, '2');
    expect([await told(bob, roomId, since), await told(carol, roomId, hers)]).toEqual([undefined, 2]);
    await test.sets(alice, roomId, 'm.room.tombstone', { body: 'over', replacement_room: '!other' });
    expect(await told(bob, roomId, since)).toBe(2);
  });

  it('tells of counts that are others as content was forgotten', async () => {
    const [roomId, other] = [
      await test.room(alice, { preset: 'public_chat' }, [bob]),
      await test.room(alice, { preset: 'public_chat' }, [bob]),
    ];
    const said = await test.says(alice, roomId, '1');
    await redacts(alice, roomId, said);
    const since = await token(bob);
    expect(await told(bob, roomId, since)).toBeUndefined();
    await until(async () => {
      test.clock.advance(86_400_000);
      return (await told(bob, roomId, since)) !== undefined;
    });
    expect(await told(bob, roomId, since)).toBe(0);
    expect(await told(bob, other, since)).toBeUndefined();
  });
});
