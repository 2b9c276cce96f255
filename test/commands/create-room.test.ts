import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRoom } from '../../src/commands/create-room.js';
import { takeAlias } from '../../src/commands/directory.js';
import { ROOM_VERSIONS } from '../../src/protocol/room-versions.js';
import { World } from '../support/world.js';

let world: World;
let alice: string;
let bob: string;

beforeEach(async () => {
  world = await World.open();
  alice = await world.user('alice');
  bob = await world.user('bob');
});

afterEach(async () => {
  await world.close();
});

const typesOf = async (roomId: string) =>
  (await world.records(`room-${roomId}`)).map((record) =>
    record.type === 'room.event.accepted' ? record.data.event['type'] : record.type,
  );

describe('creating a room', () => {
  it.each([...ROOM_VERSIONS.keys()])(
    'makes the first events in their order, in version %s',
    async (version) => {
      const roomId = await world.room(alice, {
        room_version: version,
        room_alias_name: 'pub',
        name: 'The Pub',
        topic: 'Beer',
        initial_state: [{ type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
        invite: [bob],
      });
      expect(await typesOf(roomId)).toEqual([
        'm.room.create',
        'm.room.member',
        'm.room.power_levels',
        'm.room.canonical_alias',
        'm.room.join_rules',
        'm.room.history_visibility',
        'm.room.guest_access',
        'm.room.encryption',
        'm.room.name',
        'm.room.topic',
        'm.room.member',
      ]);
      expect(roomId).toMatch(version === '12' ? /^![A-Za-z0-9_-]{43}$/ : /^![A-Za-z]{18}:one\.example$/);
    },
  );

  it('makes as many rooms as are asked for, in the same words and the same millisecond too', async () => {
    const context = { correlationId: 'test', now: world.clock.now() };
    const wish = { name: 'Twins' };
    const made = await Promise.all(
      Array.from({ length: 30 }, () => createRoom(world.side, alice, wish, '12', context)),
    );
    expect(new Set(made.map(({ result }) => result.room_id)).size).toBe(30);
  });

  it.each([
    ['private_chat', 'invite', 'can_join'],
    ['trusted_private_chat', 'invite', 'can_join'],
    ['public_chat', 'public', undefined],
  ] as const)('%s means join rule %s and guests %s', async (preset, joinRule, guests) => {
    const roomId = await world.room(alice, { preset });
    expect(await world.state(roomId, 'm.room.join_rules')).toEqual({ join_rule: joinRule });
    expect(await world.state(roomId, 'm.room.guest_access')).toEqual(
      guests === undefined ? undefined : { guest_access: guests },
    );
  });

  it('lets initial_state override the preset, and the name override initial_state', async () => {
    const roomId = await world.room(alice, {
      name: 'Chosen',
      initial_state: [
        { type: 'm.room.join_rules', content: { join_rule: 'knock' } },
        { type: 'm.room.name', content: { name: 'Overridden' } },
      ],
    });
    expect(await world.state(roomId, 'm.room.join_rules')).toEqual({ join_rule: 'knock' });
    expect(await world.state(roomId, 'm.room.name')).toEqual({ name: 'Chosen' });
    expect((await typesOf(roomId)).filter((type) => type === 'm.room.join_rules')).toHaveLength(1);
  });

  it('makes trusted invitees equals: by power level, and as creators from version 12 on', async () => {
    const older = await world.room(alice, {
      room_version: '11',
      preset: 'trusted_private_chat',
      invite: [bob],
    });
    expect(await world.state(older, 'm.room.power_levels')).toMatchObject({
      users: { [alice]: 100, [bob]: 100 },
    });
    const newer = await world.room(alice, { preset: 'trusted_private_chat', invite: [bob] });
    expect(await world.state(newer, 'm.room.power_levels')).toMatchObject({ users: {} });
    expect(await world.state(newer, 'm.room.create')).toMatchObject({ additional_creators: [bob] });
  });

  it('lists the room when it is to be public', async () => {
    const roomId = await world.room(alice, { visibility: 'public' });
    expect((await typesOf(roomId)).at(-1)).toBe('room.visibility.changed');
  });

  it('records nothing, and takes no alias, when one of the events would be refused', async () => {
    const request = {
      room_alias_name: 'pub',
      name: 'Unreachable',
      room_version: '11',
      power_level_content_override: { users: { [alice]: 10 } },
    };
    await world.refuses(
      () => createRoom(world.side, alice, request, '12', world.context()),
      'M_INVALID_ROOM_STATE',
      /power/,
    );
    await world.room(alice, { room_alias_name: 'pub' });
  });

  it.each([
    ['an unknown version', { room_version: '99' }, 'M_UNSUPPORTED_ROOM_VERSION'],
    ['nobody as invitee', { invite: ['nobody'] }, 'M_INVALID_PARAM'],
    ['an alias with a space', { room_alias_name: 'a b' }, 'M_INVALID_PARAM'],
    ['invites by email', { invite_3pid: [{ medium: 'email' }] }, 'M_UNRECOGNIZED'],
    [
      'too large an event',
      { initial_state: [{ type: 'x', content: { big: 'x'.repeat(70_000) } }] },
      'M_TOO_LARGE',
    ],
  ])('refuses %s', async (_what, request, code) => {
    await world.refuses(() => createRoom(world.side, alice, request, '12', world.context()), code);
  });

  it('refuses an alias that is taken, whoever is faster', async () => {
    const attempts = Array.from({ length: 5 }, () =>
      createRoom(world.side, alice, { room_alias_name: 'pub' }, '12', world.context()),
    );
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'M_ROOM_IN_USE' },
    });
  });

  it('gives an alias free whose room never came about', async () => {
    await takeAlias(world.side, '#pub:one.example', '!lost:one.example', bob, world.context());
    await world.refuses(
      () => createRoom(world.side, alice, { room_alias_name: 'pub' }, '12', world.context()),
      'M_ROOM_IN_USE',
    );
    world.clock.advance(60_000);
    await world.room(alice, { room_alias_name: 'pub' });
  });

  it('takes more than one append can hold, all at once', async () => {
    const initial_state = Array.from({ length: 30 }, (_, n) => ({
      type: 'org.example.big',
      state_key: String(n),
      content: { text: 'x'.repeat(50_000) },
    }));
    const roomId = await world.room(alice, { initial_state });
    const events = await world.records(`room-${roomId}`);
    expect(events.filter((record) => record.type === 'room.event.accepted')).toHaveLength(36);
    await world.says(alice, roomId, 'goes on');
    await world.restart();
    await world.says(alice, roomId, 'and on');
    expect(await world.state(roomId, 'org.example.big', '29')).toEqual(initial_state[29]?.content);
  });
});
