import { expect, test } from 'vitest';
import { membershipsProjection } from '../../projections/memberships.js';
import { membershipChanges, memberships, type Membership } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { projectionContract } from '../support/projections.js';
import { RecordedRoom } from '../support/records.js';
import { richRooms } from '../support/rich-rooms.js';
import { alice, bob, carol, type Person } from '../support/room.js';

projectionContract(membershipsProjection, richRooms());

const setUp = (version = '11') => {
  const log = new MemoryLog();
  const room = new RecordedRoom(log, version);
  room.tell((r) => r.createdBy(alice));
  return { log, room };
};

async function of(log: MemoryLog, person: Person): Promise<Membership | undefined> {
  const made = await folded(membershipsProjection, log.records);
  return made.of(memberships).find(({ user_id }) => user_id === person.id);
}

async function changes(log: MemoryLog, person: Person): Promise<string[]> {
  const made = await folded(membershipsProjection, log.records);
  const own = made.of(membershipChanges).filter(({ user_id }) => user_id === person.id);
  return own.map(({ previous, membership }) => `${previous} ${membership}`);
}

type Stripped = { type: string; state_key: string; sender: string; content: Record<string, unknown> };
const stripped = async (log: MemoryLog, person: Person): Promise<Stripped[]> =>
  JSON.parse((await of(log, person))?.stripped_state ?? '[]') as Stripped[];

test('a join says who, by which event, since when', async () => {
  const { log, room } = setUp();
  const join = room.tell((r) =>
    r.membership(bob, bob, 'join', { displayname: 'Bob', avatar_url: 'mxc://a/b' }),
  );
  expect(await of(log, bob)).toEqual({
    user_id: bob.id,
    room_id: room.id,
    membership: 'join',
    event_id: join.eventId,
    sender: bob.id,
    position: log.head,
    event_position: log.head,
    displayname: 'Bob',
    avatar_url: 'mxc://a/b',
    forgotten: false,
  });
});

test('a changed name is no change of membership', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.joinedBy(bob));
  const joined = log.head;
  const renamed = room.tell((r) => r.membership(bob, bob, 'join', { displayname: 'Robert' }));
  expect(await of(log, bob)).toMatchObject({
    displayname: 'Robert',
    event_id: renamed.eventId,
    position: joined,
    event_position: log.head,
  });
  expect(await changes(log, bob)).toEqual(['leave join']);
});

test('each change is kept with what was before', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.invited(bob).joinedBy(bob).banned(bob).membership(alice, bob, 'leave').knockedBy(bob));
  expect(await changes(log, bob)).toEqual([
    'leave invite',
    'invite join',
    'join ban',
    'ban leave',
    'leave knock',
  ]);
  expect(await of(log, bob)).toMatchObject({ membership: 'knock', position: log.head });
});

test('several changes by one commit are all kept', async () => {
  const { log, room } = setUp();
  room.together(() => room.tell((r) => r.invited(bob).joinedBy(bob)));
  expect(await changes(log, bob)).toEqual(['leave invite', 'invite join']);
});

test('a message costs nothing', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.says(alice, 'Hi'));
  expect((await folded(membershipsProjection, log.records)).lastCost).toEqual({ reads: 0, writes: 0 });
});

test('what was left may be forgotten, until one comes back', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.joinedBy(bob));
  room.forgottenBy(bob);
  expect(await of(log, bob), 'who is in a room has not forgotten it').toMatchObject({ forgotten: false });
  room.tell((r) => r.leftBy(bob));
  const left = log.head;
  room.forgottenBy(bob);
  expect(await of(log, bob)).toMatchObject({ forgotten: true, position: left });
  room.tell((r) => r.banned(bob));
  expect(await of(log, bob)).toMatchObject({ forgotten: true, membership: 'ban' });
  room.tell((r) => r.membership(alice, bob, 'leave').invited(bob));
  expect(await of(log, bob)).toMatchObject({ forgotten: false, membership: 'invite' });
});

test('nobody forgets what they never knew', async () => {
  const { log, room } = setUp();
  room.forgottenBy(carol);
  expect(await of(log, carol)).toBeUndefined();
});

test.each(['1', '12'])('an invite to a room of version %s shows what the room is', async (version) => {
  const { log, room } = setUp(version);
  room.tell((r) =>
    r
      .setState(alice, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' })
      .setState(alice, 'm.room.name', { name: 'Old name' })
      .setState(alice, 'm.room.name', { name: 'Name' })
      .setState(alice, 'm.room.topic', { topic: 'Topic' })
      .setState(alice, 'org.example.other', {})
      .joinRule('invite')
      .joinedBy(carol)
      .invited(bob),
  );
  const events = await stripped(log, bob);
  expect(events.map(({ type, state_key }) => `${type} ${state_key}`)).toEqual([
    'm.room.create ',
    'm.room.join_rules ',
    'm.room.name ',
    'm.room.topic ',
    'm.room.encryption ',
    `m.room.member ${alice.id}`,
    `m.room.member ${bob.id}`,
  ]);
  expect(events[2]).toEqual({
    content: { name: 'Name' },
    sender: alice.id,
    state_key: '',
    type: 'm.room.name',
  });
  expect(events[6]?.content).toEqual({ membership: 'invite' });

  room.tell((r) => r.setState(alice, 'm.room.name', { name: 'Later' }));
  expect((await stripped(log, bob))[2]?.content, 'as it was then').toEqual({ name: 'Name' });
  room.tell((r) => r.joinedBy(bob));
  expect(await of(log, bob)).not.toHaveProperty('stripped_state');
});

test('a knock shows the room, and who knocks', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.knockedBy(bob));
  const types = (await stripped(log, bob)).map(({ type, state_key }) => `${type} ${state_key}`);
  expect(types).toEqual(['m.room.create ', `m.room.member ${bob.id}`]);
});

test('redaction takes names out of memberships and of stripped states', async () => {
  const { log, room } = setUp();
  const name = room.tell((r) => r.setState(alice, 'm.room.name', { name: 'Rude room' }));
  const join = room.tell((r) =>
    r.membership(carol, carol, 'join', { displayname: 'Rude', avatar_url: 'mxc://a/b' }),
  );
  const invite = room.tell((r) => r.membership(carol, bob, 'invite', { displayname: 'Rude too' }));
  for (const event of [name, join, invite]) room.redact(alice, event);
  expect(await of(log, carol)).toMatchObject({ membership: 'join', event_id: join.eventId });
  expect(await of(log, carol)).not.toHaveProperty('displayname');
  expect(await of(log, carol)).not.toHaveProperty('avatar_url');
  expect(JSON.stringify((await folded(membershipsProjection, log.records)).of(memberships))).not.toContain(
    'Rude',
  );
  expect((await stripped(log, bob)).map(({ content }) => content).slice(-2)).toEqual([
    { membership: 'join' },
    { membership: 'invite' },
  ]);
});

test('a redacted event that is no longer current leaves the current one alone', async () => {
  const { log, room } = setUp();
  const first = room.tell((r) => r.membership(bob, bob, 'join', { displayname: 'Rude' }));
  room.tell((r) => r.membership(bob, bob, 'join', { displayname: 'Bob' }));
  room.redact(alice, first);
  expect(await of(log, bob)).toMatchObject({ displayname: 'Bob' });
});

test('resolution brings an old membership back, a soft-failed one in, and takes one away', async () => {
  const { log, room } = setUp();
  const banned = room.tell((r) => r.banned(bob));
  room.tell((r) => r.membership(alice, bob, 'leave').joinedBy(bob, carol));
  const kick = room.room.event({ type: 'm.room.member', sender: carol, stateKey: alice.id, content: { membership: 'leave' } }); // prettier-ignore
  room.softFail(kick);
  const entry = (person: Person, event_id: string | null) => ({
    type: 'm.room.member',
    state_key: person.id,
    event_id,
    replaces: null,
  });
  const delta = [entry(bob, banned.eventId), entry(alice, kick.eventId), entry(carol, null)];
  const merge = room.send({ type: 'm.room.message', sender: alice }, { current: { root: 'merged', delta } });
  expect(await of(log, bob)).toMatchObject({
    membership: 'ban',
    event_id: banned.eventId,
    position: log.head,
  });
  expect(await of(log, alice)).toMatchObject({ membership: 'leave', sender: carol.id });
  expect(await of(log, carol)).toMatchObject({
    membership: 'leave',
    event_id: merge.eventId,
    sender: alice.id,
  });
  expect((await changes(log, carol)).at(-1)).toBe('join leave');
});

test('soft-failed events, outliers and what loses by resolution change no membership', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.joinedBy(bob));
  const before = await of(log, bob);
  const leave = room.room.event({ type: 'm.room.member', sender: bob, stateKey: bob.id, content: { membership: 'leave' } }); // prettier-ignore
  room.softFail(leave);
  room.outlier(leave);
  room.accept(leave, { current: { root: 'same', delta: [] } });
  expect(await of(log, bob)).toEqual(before);
});

test('names that are no texts are no names', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.membership(bob, bob, 'join', { displayname: { a: 1 }, avatar_url: 5 }));
  expect(await of(log, bob)).not.toHaveProperty('displayname');
  expect(await of(log, bob)).not.toHaveProperty('avatar_url');
});
