import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setAccountData } from '../../../src/commands/account-data.js';
import { deactivate } from '../../../src/commands/account.js';
import { cursorStream } from '../../../src/commands/cursor.js';
import { erasures } from '../../../src/commands/forgetting/erasures.js';
import { ban, invite, joinRoom, leave } from '../../../src/commands/membership.js';
import { setProfileField } from '../../../src/commands/profile.js';
import { redactEvent } from '../../../src/commands/room-send.js';
import type { LoggedRecord } from '../../../src/log/log.js';
import { until } from '../../support/until.js';
import { World } from '../../support/world.js';

let world: World;
let alice: string;
let bob: string;
let roomId: string;

beforeEach(async () => {
  world = await World.open();
  alice = await world.user('alice');
  bob = await world.user('bob');
  await setProfileField(world.side, bob, 'displayname', 'Bob', world.context());
  roomId = await world.room(alice, { preset: 'public_chat', name: 'Pub' }, [bob]);
});

afterEach(() => world.close());

/** Runs the cursor until it has dealt with everything that is in the log. */
async function erase(erased?: Set<string>): Promise<void> {
  const { head } = world.log;
  const stop = new AbortController();
  const cursor = erasures(world.side, erased);
  const running = cursor.run(stop.signal);
  await until(() => cursor.position >= head);
  stop.abort();
  await running;
}

const closes = (userId: string) => deactivate(world.side, userId, true, world.context());

async function facts() {
  return (await world.recordsOf('content.forgotten')).map(({ data }) => data);
}

/** What the log gives once the keys are gone. */
async function afterwards(): Promise<LoggedRecord[]> {
  await world.log.forget((await facts()).flatMap(({ places }) => places));
  return world.records();
}

const isOf = (userId: string) => (record: LoggedRecord) =>
  record.stream === `user-${userId}` || ('event' in record.data && record.data.event['sender'] === userId);

describe('erasing an account', () => {
  test('forgets what it said, in rooms and of itself, and nothing that others said', async () => {
    await setAccountData(world.side, bob, null, 'example.notes', { note: 'private' }, world.context());
    await world.says(bob, roomId, 'Words');
    await world.sets(bob, await world.room(bob, { name: 'Mine' }), 'example.state', { some: 'thing' });
    await world.says(alice, roomId, 'Words of another');
    await closes(bob);
    await erase();
    const records = await afterwards();
    expect(JSON.stringify(records.filter(isOf(bob)))).not.toMatch(/Words|Bob|private|Mine|thing/);
    expect(JSON.stringify(records)).toContain('Words of another');
    expect(JSON.stringify(records)).toContain('"name":"Pub"');
    expect(records.filter(isOf(alice)).some(({ forgotten }) => forgotten)).toBe(false);
    for (const fact of await facts()) expect(fact).toMatchObject({ cause: 'erased', user_id: bob });
  });

  test('forgets its name in what others have said of it, and not why they did', async () => {
    const other = await world.room(alice, { preset: 'private_chat' });
    await invite(world.side, alice, other, bob, { reason: 'Come!' }, world.context());
    await joinRoom(world.side, bob, other, {}, world.context());
    await ban(world.side, alice, roomId, bob, { reason: 'Rude' }, world.context());
    await closes(bob);
    await erase();
    const text = JSON.stringify(await afterwards());
    expect(text).not.toContain('"displayname":"Bob"');
    expect(text).toContain('Rude');
  });

  test('forgets what it said in rooms that it has left', async () => {
    await world.says(bob, roomId, 'Words');
    await leave(world.side, bob, roomId, { reason: 'Bored' }, world.context());
    await closes(bob);
    await erase();
    expect(JSON.stringify((await afterwards()).filter(isOf(bob)))).not.toMatch(/Words|Bored/);
  });

  test('leaves state that rooms need', async () => {
    const mine = await world.room(bob, { name: 'Mine', preset: 'public_chat' });
    await world.sets(bob, mine, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' });
    await world.sets(bob, mine, 'm.room.server_acl', { allow: ['*'], deny: ['evil.example'] });
    await closes(bob);
    await erase();
    await afterwards();
    await world.restart();
    expect(await world.state(mine, 'm.room.encryption')).toEqual({ algorithm: 'm.megolm.v1.aes-sha2' });
    expect(await world.state(mine, 'm.room.server_acl')).toMatchObject({ deny: ['evil.example'] });
    expect(await world.state(mine, 'm.room.name')).toEqual({});
    expect(await world.state(mine, 'm.room.power_levels')).toHaveProperty('users_default');
    await joinRoom(world.side, alice, mine, {}, world.context());
    await world.says(alice, mine, 'The room goes on');
  });

  test('takes what much it said in records of a bounded size', async () => {
    for (let i = 0; i < 1100; i++) await world.says(bob, roomId, `${i}`);
    await closes(bob);
    await erase();
    const found = await facts();
    expect(found.length).toBeGreaterThanOrEqual(3);
    for (const { events, places } of found) {
      expect(events.length).toBeLessThanOrEqual(500);
      // What follows each other in a stream is one place.
      expect(places.length).toBeLessThan(10);
    }
    const ids = found.flatMap(({ events }) => events.map(({ event_id }) => event_id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(JSON.stringify((await afterwards()).filter(isOf(bob)))).not.toContain('"body"');
  });

  test('passes over what is forgotten already, when it is done again', async () => {
    await world.says(bob, roomId, 'Words');
    await closes(bob);
    await erase();
    await afterwards();
    const before = (await facts()).length;
    // As after a crash before the cursor had recorded where it was.
    await world.side.others.handle(cursorStream('erasures'), world.context(), () => ({
      records: [{ type: 'cursor.moved', version: 1, data: { position: 0 } }],
      result: undefined,
    }));
    await erase();
    const again = (await facts()).slice(before);
    expect(again.map(({ events, places }) => [events, places.map(({ stream }) => stream)])).toEqual([
      [[], [`user-${bob}`]],
    ]);
  });

  test('forgets also what was still under way when it was closed', async () => {
    const erased = new Set<string>();
    await closes(bob);
    await erase(erased);
    const late = await world.says(bob, roomId, 'Last words');
    await world.says(alice, roomId, 'First words');
    await erase(erased);
    const ids = (await facts()).flatMap(({ events }) => events.map(({ event_id }) => event_id));
    expect(ids).toContain(late);
    expect(JSON.stringify(await afterwards())).toContain('First words');
  });

  test('forgets why it redacted something, but not that it did', async () => {
    const said = await world.says(bob, roomId, 'Words');
    const sender = { userId: bob, deviceId: 'PHONE' };
    const redaction = { target: said, content: { reason: 'I regret it' }, transactionId: 'r' };
    await redactEvent(world.side, sender, roomId, redaction, world.context());
    await closes(bob);
    await erase();
    const records = await afterwards();
    expect(JSON.stringify(records)).not.toContain('I regret it');
    const found = records.find(({ type, data }) => type === 'room.event.accepted' && 'redaction' in data);
    expect(found?.data).toMatchObject({ redaction: { target: said, applied: true } });
  });

  test('does nothing where an account is closed without', async () => {
    await world.says(bob, roomId, 'Words');
    await deactivate(world.side, bob, false, world.context());
    await erase();
    expect(await facts()).toEqual([]);
  });
});
