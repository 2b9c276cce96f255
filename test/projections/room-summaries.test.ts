import fc from 'fast-check';
import { expect, test } from 'vitest';
import { roomSummariesProjection } from '../../projections/room-summaries.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { roomSummaries, type RoomSummary } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { projectionContract } from '../support/projections.js';
import { RecordedRoom } from '../support/records.js';
import { richRooms } from '../support/rich-rooms.js';
import { alice, bob, carol, dave, person } from '../support/room.js';

projectionContract(roomSummariesProjection, richRooms());

const setUp = (version = '11', creation: JsonObject = {}) => {
  const log = new MemoryLog();
  const room = new RecordedRoom(log, version);
  room.tell((r) => r.createdBy(alice, creation));
  return { log, room };
};

async function summaryOf(log: MemoryLog): Promise<RoomSummary> {
  const [summary] = (await folded(roomSummariesProjection, log.records)).of(roomSummaries);
  if (summary === undefined) throw new Error('There is no summary.');
  return summary;
}

const crowd = Array.from({ length: 9 }, (_, i) => person(`user${i}`, 'one.example'));

test('a new room is what the specification says of rooms whose state is silent', async () => {
  const { log, room } = setUp('12');
  expect(await summaryOf(log)).toEqual({
    room_id: room.id,
    version: '12',
    creator: alice.id,
    federate: true,
    join_rule: 'invite',
    guest_access: 'forbidden',
    history_visibility: 'shared',
    joined: 1,
    invited: 0,
    heroes: [alice.id],
    former_heroes: [],
    listed: false,
    last_position: log.head,
  });
});

const SAID: Record<string, JsonObject> = {
  'm.room.name': { name: 'Name' },
  'm.room.topic': { topic: 'Topic' },
  'm.room.avatar': { url: 'mxc://a/b' },
  'm.room.canonical_alias': { alias: '#a:one.example' },
  'm.room.join_rules': { join_rule: 'knock' },
  'm.room.guest_access': { guest_access: 'can_join' },
  'm.room.history_visibility': { history_visibility: 'world_readable' },
  'm.room.encryption': { algorithm: 'm.megolm.v1.aes-sha2' },
  'm.room.tombstone': { replacement_room: '!next:one.example' },
};

function setAll(room: RecordedRoom, content: (type: string) => JsonObject): void {
  room.tell((r) => {
    for (const type of Object.keys(SAID)) r.setState(alice, type, content(type));
  });
}

test('it is what its state says', async () => {
  const { log, room } = setUp('1', { type: 'm.space', 'm.federate': false, creator: 'somebody else' });
  setAll(room, (type) => SAID[type] ?? {});
  room.list('public', alice);
  expect(await summaryOf(log)).toMatchObject({
    creator: alice.id,
    room_type: 'm.space',
    federate: false,
    name: 'Name',
    topic: 'Topic',
    avatar_url: 'mxc://a/b',
    canonical_alias: '#a:one.example',
    join_rule: 'knock',
    guest_access: 'can_join',
    history_visibility: 'world_readable',
    encryption: 'm.megolm.v1.aes-sha2',
    tombstone: '!next:one.example',
    listed: true,
  });
  room.list('private', alice);
  expect(await summaryOf(log)).toMatchObject({ listed: false });
});

test('state of no sense, or of another state key, says nothing', async () => {
  const { log, room } = setUp();
  const silent = await summaryOf(log);
  for (const type of Object.keys(SAID))
    room.send({ type, sender: alice, stateKey: 'x', content: SAID[type] ?? {} });
  expect({ ...(await summaryOf(log)), last_position: 0 }).toEqual({ ...silent, last_position: 0 });
  for (const value of [5, {}, [], null, true, '']) {
    setAll(room, (type) => SAID[type] ?? {});
    setAll(room, (type) => Object.fromEntries(Object.keys(SAID[type] ?? {}).map((key) => [key, value])));
    expect({ ...(await summaryOf(log)), last_position: 0 }, JSON.stringify(value)).toEqual({
      ...silent,
      last_position: 0,
    });
  }
});

test('a message moves the end of the timeline, by one read and one write', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.says(alice, 'Hi'));
  const made = await folded(roomSummariesProjection, log.records);
  expect(made.lastCost).toEqual({ reads: 1, writes: 1 });
  expect(made.of(roomSummaries)[0]).toMatchObject({ last_position: log.head });
});

test('members are counted as their memberships change', async () => {
  const { log, room } = setUp();
  room.tell((r) =>
    r.joinedBy(bob).invited(carol).knockedBy(dave).membership(bob, bob, 'join', { displayname: 'B' }),
  );
  expect(await summaryOf(log)).toMatchObject({ joined: 2, invited: 1 });
  room.tell((r) => r.joinedBy(carol).banned(bob).membership(alice, bob, 'leave').leftBy(dave));
  expect(await summaryOf(log)).toMatchObject({ joined: 2, invited: 0 });
});

test('heroes are the first who came, and the next when one of them leaves', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.joinedBy(...crowd));
  const ids = [alice, ...crowd].map(({ id }) => id);
  expect((await summaryOf(log)).heroes).toEqual(ids.slice(0, 6));
  room.tell((r) => r.leftBy(...crowd.slice(2, 4), ...crowd.slice(8)));
  const left = [...ids.slice(0, 3), ...ids.slice(5, 8)];
  expect((await summaryOf(log)).heroes).toEqual(left);
  room.tell((r) => r.joinedBy(...crowd.slice(2, 4)).membership(alice, alice, 'join', { displayname: 'A' }));
  expect((await summaryOf(log)).heroes, 'who comes back comes last').toEqual(left);
});

test('an invited hero who joins keeps the place', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.invited(bob).joinedBy(carol, bob));
  expect((await summaryOf(log)).heroes).toEqual([alice.id, bob.id, carol.id]);
});

test('with nobody else left, those who were there stand in', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.joinedBy(bob, carol).knockedBy(dave).leftBy(carol));
  expect(await summaryOf(log)).toMatchObject({ heroes: [alice.id, bob.id], former_heroes: [] });
  room.tell((r) => r.banned(bob));
  expect(await summaryOf(log)).toMatchObject({ heroes: [alice.id], former_heroes: [carol.id, bob.id] });
});

test('redaction takes away what the current event said, and leaves what the rules protect', async () => {
  const { log, room } = setUp('10', { type: 'm.space' });
  const old = room.tell((r) => r.setState(alice, 'm.room.name', { name: 'Old' }));
  const name = room.tell((r) => r.setState(alice, 'm.room.name', { name: 'New' }));
  const rules = room.tell((r) => r.joinRule('public'));
  room.redact(alice, old);
  room.redact(alice, rules);
  expect(await summaryOf(log)).toMatchObject({ name: 'New', join_rule: 'public', room_type: 'm.space' });
  room.redact(alice, name);
  const [create] = room.room.timeline;
  if (create !== undefined) room.redact(alice, create);
  const after = await summaryOf(log);
  expect(after).not.toHaveProperty('name');
  expect(after).not.toHaveProperty('room_type');
  expect(after).toMatchObject({ creator: alice.id, last_position: log.head });
  const delta = [{ type: 'm.room.name', state_key: '', event_id: old.eventId, replaces: name.eventId }];
  room.send({ type: 'm.room.message', sender: alice }, { current: { root: 'merged', delta } });
  expect(await summaryOf(log), 'a redacted event that comes back').not.toHaveProperty('name');
});

test('resolution brings back what was, and takes away what is', async () => {
  const { log, room } = setUp();
  const old = room.tell((r) => r.setState(alice, 'm.room.name', { name: 'Old' }));
  const left = room.tell((r) => r.joinedBy(bob, carol).leftBy(bob));
  room.tell((r) => r.setState(alice, 'm.room.name', { name: 'New' }).setState(alice, 'm.room.topic', { topic: 'T' }).joinedBy(bob)); // prettier-ignore
  expect(await summaryOf(log)).toMatchObject({ joined: 3 });
  const delta = [
    { type: 'm.room.name', state_key: '', event_id: old.eventId, replaces: null },
    { type: 'm.room.topic', state_key: '', event_id: null, replaces: null },
    { type: 'm.room.member', state_key: bob.id, event_id: left.eventId, replaces: null },
    { type: 'm.room.member', state_key: carol.id, event_id: null, replaces: null },
  ];
  room.send({ type: 'm.room.message', sender: alice }, { current: { root: 'merged', delta } });
  const summary = await summaryOf(log);
  expect(summary).toMatchObject({ name: 'Old', joined: 1, heroes: [alice.id], former_heroes: [bob.id] });
  expect(summary).not.toHaveProperty('topic');
});

test('whatever memberships follow each other, counts and heroes are those of a count afresh', async () => {
  const memberships = fc.constantFrom('join', 'invite', 'leave', 'ban', 'knock');
  const step = fc.tuple(fc.constantFrom(...crowd), memberships);
  const commit = fc.array(step, { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.array(commit, { maxLength: 20 }), async (commits) => {
      const { log, room } = setUp();
      const people = new Map([[alice.id, 'join']]);
      const active: string[] = [alice.id];
      const former: string[] = [];
      for (const steps of commits) {
        room.together(() => {
          for (const [one, membership] of steps) room.tell((r) => r.membership(one, one, membership));
        });
        for (const [{ id }, membership] of steps) {
          people.set(id, membership);
          place(active, id, ['join', 'invite'].includes(membership));
          place(former, id, ['leave', 'ban'].includes(membership));
        }
      }
      const count = (membership: string) => [...people.values()].filter((one) => one === membership).length;
      expect(await summaryOf(log)).toMatchObject({
        joined: count('join'),
        invited: count('invite'),
        heroes: active.slice(0, 6),
        former_heroes: active.length > 1 ? [] : former.slice(0, 6),
      });
    }),
    { numRuns: 40 },
  );
});

/** In or out of a list, in the order of coming. */
function place(list: string[], id: string, isIn: boolean): void {
  const at = list.indexOf(id);
  if (isIn && at < 0) list.push(id);
  if (!isIn && at >= 0) list.splice(at, 1);
}
