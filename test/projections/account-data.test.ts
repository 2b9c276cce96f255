import { describe, expect, test } from 'vitest';
import { accountDataProjection } from '../../projections/account-data.js';
import { accountData } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { alice, bob } from '../support/people.js';
import { projectionContract } from '../support/projections.js';
import { RecordedUser } from '../support/recorded-user.js';

const ROOM = '!room:one.example';
const MARKER = { receipt_type: 'm.fully_read' } as const;

async function entriesAfter(story: (user: RecordedUser) => unknown) {
  const log = new MemoryLog();
  story(new RecordedUser(log, alice));
  return (await folded(accountDataProjection, log.records)).of(accountData);
}

describe('account data', () => {
  test('is the newest content of each type, of the account and of rooms apart, as it was recorded', async () => {
    const found = await entriesAfter((user) => {
      user.setsData('m.direct', { b: 1, a: [2] });
      user.setsData('m.direct', { room: 'this' }, ROOM);
      user.setsData('m.direct', JSON.parse('{"z":{"__proto__":1},"a":null}') as object);
    });
    const of = { user_id: alice.id, type: 'm.direct' };
    expect(found).toEqual([
      { ...of, room_id: '', content: '{"z":{"__proto__":1},"a":null}', position: 2 },
      { ...of, room_id: ROOM, content: '{"room":"this"}', position: 1 },
    ]);
  });

  test('goes when its content is forgotten', async () => {
    const found = await entriesAfter((user) => {
      user.setsData('m.tag', { tags: {} }, ROOM);
      user.setsData('m.tag', undefined, ROOM);
      user.setsData('never.there');
    });
    expect(found).toEqual([]);
  });

  test('goes when the account is closed', async () => {
    const found = await entriesAfter((user) => {
      user.setsData('m.direct', {});
      user.setsData('m.tag', {}, ROOM);
      user.deactivates();
    });
    expect(found).toEqual([]);
  });
});

describe('the fully-read marker', () => {
  test('is account data of the room; other receipts are not', async () => {
    const found = await entriesAfter((user) => {
      user.reads(ROOM, '$1', 5, MARKER);
      user.reads(ROOM, '$2', 6);
    });
    const content = '{"event_id":"$1"}';
    const place = { user_id: alice.id, room_id: ROOM, type: 'm.fully_read' };
    expect(found).toEqual([{ ...place, content, event_position: 5, position: 0 }]);
  });

  test.each([
    { from: 5, to: 6, moves: true },
    { from: 5, to: 5, moves: false },
    { from: 5, to: 4, moves: false },
    { from: 5, to: null, moves: false },
    { from: null, to: 0, moves: true },
    { from: null, to: null, moves: true },
  ])('moves from $from to $to: $moves', async ({ from, to, moves }) => {
    const found = await entriesAfter((user) => {
      user.reads(ROOM, '$from', from, MARKER);
      user.reads(ROOM, '$to', to, MARKER);
    });
    expect(found).toMatchObject([{ content: `{"event_id":"${moves ? '$to' : '$from'}"}`, position: +moves }]);
  });
});

const log = new MemoryLog();
const [a, b] = [new RecordedUser(log, alice), new RecordedUser(log, bob)];
a.setsData('m.direct', { [bob.id]: [ROOM] });
a.setsData('m.push_rules', { rules: { room: [] }, changed: [] });
b.setsData('m.tag', { tags: { 'm.favourite': { order: 0.5 } } }, ROOM);
a.setsData('__proto__', JSON.parse('{"__proto__":{"x":1}}') as object, '__proto__');
b.reads(ROOM, '$3', 3, MARKER);
b.reads(ROOM, '$1', 1, MARKER);
b.reads(ROOM, '$9', null, MARKER);
a.reads(ROOM, '$9', null, MARKER);
b.setsData('m.tag', undefined, ROOM);
a.reads(ROOM, '$2', 2, MARKER);
a.reads(ROOM, '$2', 2, { receipt_type: 'm.read.private' });
a.setsData('m.direct', {});
b.deactivates(true);
projectionContract(accountDataProjection, log.records);
