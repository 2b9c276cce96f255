import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountConsequences } from '../../src/commands/account-consequences.js';
import { deleteTag, setAccountData, setTag } from '../../src/commands/account-data.js';
import { accountDataKey } from '../../src/commands/aggregates/user.js';
import { createRoom } from '../../src/commands/create-room.js';
import { ban, joinRoom, leave } from '../../src/commands/membership.js';
import { changePushRules } from '../../src/commands/push-rules.js';
import { carrySettings } from '../../src/commands/room-successor.js';
import { sendEvent } from '../../src/commands/room-send.js';
import { upgradeRoom } from '../../src/commands/room-upgrade.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { World } from '../support/world.js';

let world: World;
let alice: string;
let bob: string;
let carol: string;

beforeEach(async () => {
  world = await World.open();
  [alice, bob, carol] = [await world.user('alice'), await world.user('bob'), await world.user('carol')];
});

afterEach(async () => {
  await world.close();
});

async function oldRoom(version = '10', request: object = {}): Promise<string> {
  const wish = { preset: 'public_chat', room_version: version, ...request } as const;
  const { result } = await createRoom(world.side, alice, wish, '12', world.context());
  await joinRoom(world.side, bob, result.room_id, {}, world.context());
  return result.room_id;
}

const upgrade = async (roomId: string, by = alice, version = '11') =>
  (await upgradeRoom(world.side, by, roomId, version, undefined, world.context())).result.replacement_room;

const join = (userId: string, roomId: string) => joinRoom(world.side, userId, roomId, {}, world.context());

/** The event at a key of a room's current state. */
async function stateEvent(roomId: string, type: string) {
  const { result } = await world.side.rooms.handle(`room-${roomId}`, world.context(), async (room) => {
    await room.loadState([{ type, stateKey: '' }]);
    return { records: [], result: room.state(type, '') };
  });
  return result;
}

async function accountData(userId: string, roomId: string | null, type: string): Promise<unknown> {
  const user = await world.side.user(userId);
  return user.kind === 'active' ? user.accountData.get(accountDataKey(roomId, type))?.content : undefined;
}

describe('upgrading a room', () => {
  it.each(['1', '10', '11'])(
    'to version %s names the tombstone as the last event of the old one',
    async (version) => {
      const from = await oldRoom(version);
      const to = await upgrade(from, alice, version);
      const tombstone = await stateEvent(from, 'm.room.tombstone');
      expect(tombstone?.content['replacement_room']).toBe(to);
      const create = await stateEvent(to, 'm.room.create');
      expect(create?.content['predecessor']).toEqual({ room_id: from, event_id: tombstone?.eventId });
    },
  );

  it('to version 12 names the old room, since the new one is not known before it is there', async () => {
    const from = await oldRoom();
    const to = await upgrade(from, alice, '12');
    expect((await stateEvent(to, 'm.room.create'))?.content['predecessor']).toEqual({ room_id: from });
    expect((await stateEvent(from, 'm.room.tombstone'))?.content['replacement_room']).toBe(to);
  });

  it('ends by that event also where others speak meanwhile', async () => {
    const from = await oldRoom();
    const upgrading = upgrade(from);
    const said = [];
    for (let n = 0; n < 10; n++) said.push(world.says(bob, from, `m${n}`).catch(() => undefined));
    const to = await upgrading;
    await Promise.all(said);
    const tombstone = await stateEvent(from, 'm.room.tombstone');
    const create = await stateEvent(to, 'm.room.create');
    expect(create?.content['predecessor']).toEqual({ room_id: from, event_id: tombstone?.eventId });
  });

  it('keeps bans, levels and what its absence means', async () => {
    const from = await oldRoom();
    await ban(world.side, alice, from, carol, { reason: 'spam' }, world.context());
    const to = await upgrade(from);
    expect(await world.state(to, 'm.room.member', carol)).toMatchObject({
      membership: 'ban',
      reason: 'spam',
    });
    expect(await world.state(to, 'm.room.guest_access')).toEqual({ guest_access: 'forbidden' });
    expect((await world.state(from, 'm.room.power_levels'))?.['events_default']).toBe(50);
    expect((await world.state(to, 'm.room.power_levels'))?.['events_default']).toBe(0);
  });

  it('leaves a moderator what they had, though the new room was theirs to make', async () => {
    const from = await oldRoom();
    await ban(world.side, alice, from, carol, {}, world.context());
    const before = (await world.state(from, 'm.room.power_levels')) as JsonObject;
    const levels = {
      ...before,
      ban: 60,
      users: { [alice]: 100, [bob]: 50 },
      events: { ...(before['events'] as JsonObject), 'm.room.tombstone': 50 },
    };
    await world.sets(alice, from, 'm.room.power_levels', levels);
    const to = await upgrade(from, bob);
    expect(await world.state(to, 'm.room.power_levels')).toEqual(levels);
    expect(await world.state(from, 'm.room.power_levels')).toEqual(levels);
    expect(await world.state(to, 'm.room.member', carol)).toMatchObject({ membership: 'ban' });
  });

  it('gives a creator of version 12, who has no level, one in an older version', async () => {
    const from = await oldRoom('12');
    const to = await upgrade(from, alice, '11');
    const levels = (await world.state(to, 'm.room.power_levels'))?.['users'] as Record<string, number>;
    expect(levels[alice]).toBeGreaterThanOrEqual(100);
  });

  it('is refused without the power, and a room cannot be replaced by itself', async () => {
    const from = await oldRoom();
    await world.refuses(() => upgrade(from, bob), 'M_FORBIDDEN');
    await world.refuses(() => upgrade(from, alice, '99'), 'M_UNSUPPORTED_ROOM_VERSION');
    const content = { replacement_room: from, body: '' };
    await world.refuses(() => world.sets(alice, from, 'm.room.tombstone', content), 'M_INVALID_PARAM');
    const message = { type: 'm.room.tombstone', content, transactionId: 't' };
    const sender = { userId: alice, deviceId: 'PHONE' };
    await world.refuses(
      () => sendEvent(world.side, sender, from, message, world.context()),
      'M_INVALID_PARAM',
    );
  });
});

describe('settings of a room', () => {
  async function settings(userId: string, roomId: string): Promise<void> {
    const { side } = world;
    await setTag(side, userId, roomId, 'u.work', { order: 0.5 }, world.context());
    const direct = { [carol]: [roomId], '@other:one.example': ['!elsewhere:one.example'] };
    await setAccountData(side, userId, null, 'm.direct', direct, world.context());
    const rule = { kind: 'room', ruleId: roomId, body: { actions: [] }, place: {} } as const;
    await changePushRules(side, userId, { change: 'put', ...rule }, world.context());
  }

  async function expectCarried(userId: string, from: string, to: string): Promise<void> {
    expect(await accountData(userId, to, 'm.tag')).toEqual({ tags: { 'u.work': { order: 0.5 } } });
    expect(await accountData(userId, null, 'm.direct')).toEqual({
      [carol]: [from, to],
      '@other:one.example': ['!elsewhere:one.example'],
    });
    const { rules } = (await accountData(userId, null, 'm.push_rules')) as {
      rules: { room: readonly { rule_id: string; actions: unknown }[] };
    };
    expect(rules.room.map(({ rule_id, actions }) => [rule_id, actions])).toEqual([
      [from, []],
      [to, []],
    ]);
  }

  it('come along with who upgrades, and with who follows', async () => {
    const from = await oldRoom();
    for (const userId of [alice, bob]) await settings(userId, from);
    const to = await upgrade(from);
    await expectCarried(alice, from, to);
    await join(bob, to);
    await expectCarried(bob, from, to);
  });

  it('come along although the server died after the join, and not again later', async () => {
    const from = await oldRoom();
    const to = await upgrade(from);
    await join(bob, to);
    // As if the settings had been made before, and the server had died between the join and its consequence.
    await settings(bob, from);
    const cursor = accountConsequences(world.side);
    const run = async (until: () => Promise<boolean>) => {
      const ending = new AbortController();
      const running = cursor.run(ending.signal);
      while (!(await until())) await new Promise(setImmediate);
      ending.abort();
      await running;
    };
    await run(async () => (await accountData(bob, to, 'm.tag')) !== undefined);
    await expectCarried(bob, from, to);
    await deleteTag(world.side, bob, to, 'u.work', world.context());
    const { head } = world.log;
    await run(() => Promise.resolve(cursor.position >= head));
    expect(await accountData(bob, to, 'm.tag')).toEqual({ tags: {} });
  });

  it('stay where the user has others in the new room, or the old room knows nothing of it', async () => {
    const from = await oldRoom();
    await settings(bob, from);
    const claims = { creation_content: { predecessor: { room_id: from, event_id: '$x' } } };
    const impostor = await oldRoom('11', claims);
    expect(await accountData(bob, impostor, 'm.tag')).toBeUndefined();
    const to = await upgrade(from);
    await setTag(world.side, bob, to, 'u.own', {}, world.context());
    await join(bob, to);
    expect(await accountData(bob, to, 'm.tag')).toEqual({ tags: { 'u.own': {} } });
    await leave(world.side, bob, to, {}, world.context());
    const again = await carrySettings(world.side, bob, impostor, to, world.context());
    expect(again.result).toBe(false);
  });
});
