import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Done } from '../../src/commands/command.js';
import { forgetRoom } from '../../src/commands/forget.js';
import { ban, invite, joinRoom, kick, knock, leave, unban } from '../../src/commands/membership.js';
import { redactEvent, sendState } from '../../src/commands/room-send.js';
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

const EVENT = ['room.event.accepted'] as const;
const NOTHING = [] as const;

type Act = (roomId: string) => Promise<Done<unknown>>;
const acts = {
  'alice invites bob': (r) => invite(world.side, alice, r, bob, {}, world.context()),
  'bob joins': (r) => joinRoom(world.side, bob, r, {}, world.context()),
  'bob leaves': (r) => leave(world.side, bob, r, {}, world.context()),
  'bob knocks': (r) => knock(world.side, bob, r, {}, world.context()),
  'bob invites carol': (r) => invite(world.side, bob, r, carol, {}, world.context()),
  'bob kicks alice': (r) => kick(world.side, bob, r, alice, {}, world.context()),
  'alice kicks bob': (r) => kick(world.side, alice, r, bob, {}, world.context()),
  'alice bans bob': (r) => ban(world.side, alice, r, bob, { reason: 'spam' }, world.context()),
  'alice unbans bob': (r) => unban(world.side, alice, r, bob, {}, world.context()),
} satisfies Record<string, Act>;
type ActName = keyof typeof acts;

const stories: readonly [given: readonly ActName[], when: ActName, then: readonly string[] | string][] = [
  // Private rooms: one has to be invited.
  [[], 'bob joins', 'M_FORBIDDEN'],
  [['alice invites bob'], 'bob joins', EVENT],
  [['alice invites bob', 'bob joins'], 'bob joins', NOTHING],
  [['alice invites bob', 'bob joins'], 'alice invites bob', 'M_FORBIDDEN'],
  [['alice invites bob'], 'bob leaves', EVENT],
  [['alice invites bob', 'bob leaves'], 'bob joins', 'M_FORBIDDEN'],
  [['alice invites bob', 'bob joins', 'bob leaves'], 'bob leaves', NOTHING],
  [[], 'bob leaves', 'M_FORBIDDEN'],
  [[], 'bob invites carol', 'M_FORBIDDEN'],
  [['alice invites bob', 'bob joins'], 'bob invites carol', EVENT],
  // Moderation.
  [['alice invites bob', 'bob joins'], 'bob kicks alice', 'M_FORBIDDEN'],
  [['alice invites bob', 'bob joins'], 'alice kicks bob', EVENT],
  [[], 'alice kicks bob', 'M_FORBIDDEN'],
  [[], 'alice bans bob', EVENT],
  [['alice bans bob'], 'alice invites bob', 'M_FORBIDDEN'],
  [['alice bans bob'], 'bob joins', 'M_FORBIDDEN'],
  [['alice bans bob'], 'bob leaves', 'M_FORBIDDEN'],
  [['alice bans bob'], 'alice unbans bob', EVENT],
  [['alice bans bob', 'alice unbans bob'], 'alice invites bob', EVENT],
  [[], 'alice unbans bob', 'M_FORBIDDEN'],
  // Knocking takes a room that allows it.
  [[], 'bob knocks', 'M_FORBIDDEN'],
];

describe('in a private room', () => {
  it.each(
    stories.map(([given, when, then]) => ({
      given: given.join(', ') || 'nothing',
      when,
      then,
      steps: given,
    })),
  )('given $given: when $when, then $then', async ({ steps, when, then }) => {
    const roomId = await world.room(alice);
    for (const step of steps) await acts[step](roomId);
    const act = () => acts[when](roomId);
    if (typeof then === 'string') await world.refuses(act, then);
    else await world.leadsTo(act, then as typeof EVENT);
  });
});

describe('a room with a join rule', () => {
  const withRule = (content: Record<string, unknown>) =>
    world.room(alice, {
      initial_state: [{ type: 'm.room.join_rules', content: content as { join_rule: string } }],
    });

  it('lets people knock, and those who are let in', async () => {
    const roomId = await withRule({ join_rule: 'knock' });
    await world.leadsTo(() => acts['bob knocks'](roomId), EVENT);
    await world.refuses(() => acts['bob joins'](roomId), 'M_FORBIDDEN');
    await acts['alice invites bob'](roomId);
    await world.leadsTo(() => acts['bob joins'](roomId), EVENT);
  });

  it('lets members of another room in, by the word of somebody who may invite', async () => {
    const space = await world.room(alice, { preset: 'public_chat' });
    const roomId = await withRule({
      join_rule: 'restricted',
      allow: [{ type: 'm.room_membership', room_id: space }],
    });
    await world.refuses(() => acts['bob joins'](roomId), 'M_FORBIDDEN', /none of the rooms/);
    await joinRoom(world.side, bob, space, {}, world.context());
    await acts['bob joins'](roomId);
    expect(await world.state(roomId, 'm.room.member', bob)).toMatchObject({
      membership: 'join',
      join_authorised_via_users_server: alice,
    });
  });

  it('says when nobody here may let others in', async () => {
    const space = await world.room(alice, { preset: 'public_chat' }, [bob]);
    const roomId = await world.room(alice, {
      room_version: '11',
      power_level_content_override: { invite: 101 },
      initial_state: [
        {
          type: 'm.room.join_rules',
          content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] },
        },
      ],
    });
    await world.refuses(() => acts['bob joins'](roomId), 'M_UNABLE_TO_GRANT_JOIN');
  });
});

describe('forgetting', () => {
  it('takes that one is out of the room', async () => {
    const roomId = await world.room(alice, { preset: 'public_chat' }, [bob]);
    const forget = () => forgetRoom(world.side, bob, roomId, world.context());
    await world.refuses(async () => forget(), 'M_UNKNOWN', /Leave/);
    await acts['bob leaves'](roomId);
    await world.leadsTo(forget, ['room.forgotten']);
    await world.refuses(async () => forgetRoom(world.side, carol, roomId, world.context()), 'M_NOT_FOUND');
  });
});

describe('redacting', () => {
  const redact = (userId: string, roomId: string, target: string) =>
    redactEvent(
      world.side,
      { userId, deviceId: 'PHONE' },
      roomId,
      { target, content: {}, transactionId: `${userId}-${target}` },
      world.context(),
    );

  it('is for the sender, and for who has the power; of what there is', async () => {
    const roomId = await world.room(alice, { preset: 'public_chat' }, [bob, carol]);
    const said = await world.says(bob, roomId, 'oops');
    await world.refuses(() => redact(carol, roomId, said), 'M_FORBIDDEN', /power level 50/);
    await world.refuses(() => redact(alice, roomId, '$nothing'), 'M_INVALID_PARAM');
    const elsewhere = await world.room(alice, { preset: 'public_chat' });
    await world.refuses(() => redact(alice, elsewhere, said), 'M_INVALID_PARAM');
    await world.leadsTo(() => redact(bob, roomId, said), EVENT);
    await world.leadsTo(() => redact(alice, roomId, said), EVENT);
    const redactions = (await world.recordsOf('room.event.accepted')).filter(({ data }) => data.redaction);
    expect(redactions.map(({ data }) => data.redaction)).toEqual([
      { target: said, applied: true },
      { target: said, applied: true },
    ]);
  });
});

describe('setting state', () => {
  it('gives the event that is there when nothing would change', async () => {
    const roomId = await world.room(alice, { name: 'Pub' });
    const first = await world.sets(alice, roomId, 'm.room.topic', { topic: 'Beer' });
    const again = () =>
      sendState(
        world.side,
        { userId: alice, deviceId: 'PHONE' },
        roomId,
        { type: 'm.room.topic', stateKey: '', content: { topic: 'Beer' } },
        world.context(),
      );
    expect(await world.leadsTo(again, NOTHING)).toEqual({ event_id: first });
  });

  it('keeps another user out of a key that is theirs', async () => {
    const roomId = await world.room(alice, { preset: 'public_chat' }, [bob]);
    await world.refuses(
      () =>
        sendState(
          world.side,
          { userId: alice, deviceId: 'PHONE' },
          roomId,
          { type: 'org.example.status', stateKey: bob, content: {} },
          world.context(),
        ),
      'M_FORBIDDEN',
      /rule/,
    );
  });

  it('takes only aliases that name the room as canonical ones', async () => {
    const roomId = await world.room(alice, { room_alias_name: 'pub' });
    await world.room(alice, { room_alias_name: 'other' });
    const canonical = (alias: string) => () =>
      sendState(
        world.side,
        { userId: alice, deviceId: 'PHONE' },
        roomId,
        { type: 'm.room.canonical_alias', stateKey: '', content: { alias } },
        world.context(),
      );
    await world.refuses(canonical('#other:one.example'), 'M_BAD_ALIAS');
    await world.refuses(canonical('not an alias'), 'M_INVALID_PARAM');
    await canonical('#pub:one.example')();
  });
});
