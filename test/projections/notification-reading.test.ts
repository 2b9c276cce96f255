import { describe, expect, test } from 'vitest';
import { notificationCountsProjection } from '../../projections/notification-counts.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import { folded } from '../support/folded.js';
import { forgetsEvents } from '../support/forgetting.js';
import { person } from '../support/people.js';
import { projectionContract } from '../support/projections.js';
import { RecordedUser } from '../support/recorded-user.js';
import { forgetting } from '../support/records.js';
import { alice, bob, carol, Chat, mentions, olga, rules } from './notification-stories.js';

describe('a receipt', () => {
  test.each(['m.read', 'm.read.private'] as const)('%s reads up to its event', async (receipt_type) => {
    const chat = new Chat();
    chat.says(carol, '1', mentions(bob));
    const second = chat.says(carol, '2');
    chat.says(carol, '3');
    chat.reads(chat.bob, second, { receipt_type });
    expect([await chat.unread(chat.bob), await chat.unread(chat.alice)]).toEqual([
      [1, 0],
      [3, 0],
    ]);
    expect(
      [await chat.unreadAt(chat.bob), await chat.unreadAt(chat.alice)].map(({ length }) => length),
    ).toEqual([1, 3]);
  });

  test('for an older event, a marker, or one of another room brings nothing back', async () => {
    const chat = new Chat();
    const [first, second] = [chat.says(carol, '1'), chat.says(carol, '2')];
    chat.reads(chat.bob, second);
    const before = await chat.answers();
    chat.reads(chat.bob, first);
    chat.bob.reads('!other:one.example', second.eventId, chat.positionOf(second));
    expect(await chat.answers()).toEqual(before);
  });

  test('of which the place is not known, or that is the fully-read marker, reads nothing', async () => {
    const chat = new Chat();
    const said = chat.says(carol, '1');
    chat.bob.reads(chat.room.id, '$unknown', null);
    chat.reads(chat.bob, said, { receipt_type: 'm.fully_read' });
    expect(await chat.unread(chat.bob)).toEqual([1, 0]);
  });

  test('moves the position of the counts only where it changes them', async () => {
    const chat = new Chat();
    const said = chat.says(carol, '1');
    const position = () => chat.changed(chat.bob);
    expect(await position()).toBe(chat.positionOf(said));
    chat.reads(chat.bob, said);
    expect(await position()).toBe(chat.log.head);
    chat.reads(chat.bob, said);
    expect(await position()).toBe(chat.log.head - 1);
  });

  test('reads all that one commit brought in', async () => {
    const chat = new Chat();
    const said: RoomEvent[] = [];
    chat.room.together(() => {
      for (const body of ['1', '2', '3']) said.push(chat.says(carol, body));
    });
    expect(await chat.unread(chat.bob)).toEqual([3, 0]);
    if (said[1] !== undefined) chat.reads(chat.bob, said[1]);
    expect(await chat.unread(chat.bob)).toEqual([0, 0]);
  });
});

describe('threads', () => {
  /** As drawn in the specification (Threaded read receipts): A and B are roots; the letters are in order. */
  const drawn = () => {
    const chat = new Chat();
    const a = chat.says(carol, 'A');
    const b = chat.says(carol, 'B');
    const c = chat.relates(carol, 'm.thread', a);
    const d = chat.relates(carol, 'm.thread', b);
    const e = chat.relates(carol, 'm.reference', c);
    const f = chat.relates(carol, 'm.reference', a);
    const g = chat.relates(carol, 'm.reference', e);
    return { chat, a, b, c, d, e, f, g };
  };

  test('are counted apart, with what relates to their events, but not to their roots', async () => {
    const { chat, a, b } = drawn();
    expect(await chat.unread(chat.bob)).toEqual([7, 0, { [a.eventId]: [3, 0], [b.eventId]: [1, 0] }]);
  });

  test('are read by receipts of their own', async () => {
    const { chat, a, b, e } = drawn();
    chat.reads(chat.bob, e, { thread_id: a.eventId });
    expect(await chat.unread(chat.bob)).toEqual([5, 0, { [a.eventId]: [1, 0], [b.eventId]: [1, 0] }]);
  });

  test('are not read by one for the main timeline', async () => {
    const { chat, a, b, f } = drawn();
    chat.reads(chat.bob, f, { thread_id: 'main' });
    expect(await chat.unread(chat.bob)).toEqual([4, 0, { [a.eventId]: [3, 0], [b.eventId]: [1, 0] }]);
  });

  test('are read by one without a thread', async () => {
    const { chat, a, d } = drawn();
    chat.reads(chat.bob, d);
    expect(await chat.unread(chat.bob)).toEqual([3, 0, { [a.eventId]: [2, 0] }]);
  });

  test('have highlights, which redaction takes away', async () => {
    const chat = new Chat();
    const root = chat.says(carol, 'root');
    const relation = { 'm.relates_to': { rel_type: 'm.thread', event_id: root.eventId } };
    const said = chat.says(carol, 'Bob', { ...mentions(bob), ...relation });
    expect(await chat.unread(chat.bob)).toEqual([2, 1, { [root.eventId]: [1, 1] }]);
    chat.room.redact(carol, said);
    expect(await chat.unread(chat.bob)).toEqual([1, 0]);
  });

  test('have roots that are event IDs', async () => {
    const chat = new Chat();
    for (const event_id of ['main', '__proto__', '', 7, `$${'x'.repeat(300)}`]) {
      chat.says(carol, 'odd', { 'm.relates_to': { rel_type: 'm.thread', event_id } });
    }
    expect(await chat.unread(chat.bob)).toEqual([5, 0]);
  });
});

describe('sending', () => {
  test('reads the thread that one sends to', async () => {
    const chat = new Chat();
    const root = chat.says(carol, 'root');
    chat.relates(carol, 'm.thread', root);
    chat.says(bob, 'main');
    expect(await chat.unread(chat.bob)).toEqual([1, 0, { [root.eventId]: [1, 0] }]);
    chat.relates(bob, 'm.thread', root);
    expect(await chat.unread(chat.bob)).toEqual([0, 0]);
  });

  test('a new display name reads nothing', async () => {
    const chat = new Chat();
    chat.says(carol, '1');
    chat.room.tell((room) => room.membership(bob, bob, 'join', { displayname: 'B' }));
    expect(await chat.unread(chat.bob)).toEqual([1, 0]);
  });
});

describe('counts', () => {
  test.each([1, 40])('of %i who follow the room cost the same writes', async (members) => {
    const chat = new Chat();
    for (let i = 0; i < members; i++) {
      const one = person(`user${i}`, 'one.example');
      new RecordedUser(chat.log, one).registers();
      chat.room.tell((room) => room.joinedBy(one));
    }
    const cost = async () => (await folded(notificationCountsProjection, chat.log.records)).lastCost;
    chat.says(carol, 'not only Alice speaks here');
    chat.says(carol, 'to all');
    expect(await cost()).toEqual({ reads: 3, writes: 2 });
    chat.says(bob, 'with a mark of the sender');
    expect(await cost()).toEqual({ reads: 3, writes: 3 });
    chat.says(carol, 'Alice!', mentions(alice, carol));
    expect(await cost()).toEqual({ reads: 4, writes: 3 });
    chat.reads(chat.bob, chat.room.room.last);
    expect(await cost()).toEqual({ reads: 1, writes: 1 });
    chat.reads(chat.bob, chat.room.room.last, { thread_id: 'main' });
    expect(await cost()).toEqual({ reads: 1, writes: 0 });
  });

  test('of who alone speaks in a room cost no mark', async () => {
    const chat = new Chat();
    chat.says(alice, 'to all');
    const { lastCost } = await folded(notificationCountsProjection, chat.log.records);
    expect(lastCost).toEqual({ reads: 3, writes: 2 });
  });

  test('cost an evaluation, and a write where they notify, for each who has rules of their own', async () => {
    const chat = new Chat();
    const many = Array.from({ length: 50 }, (_, i) => person(`user${i}`, 'one.example'));
    for (const one of many) {
      const user = new RecordedUser(chat.log, one);
      user.registers();
      user.setsData('m.push_rules', rules('content', { pattern: 'cake', actions: ['notify'] }));
      chat.room.tell((room) => room.joinedBy(one));
    }
    chat.says(carol, 'warm');
    chat.says(carol, 'again');
    const { lastCost } = await folded(notificationCountsProjection, chat.log.records);
    expect(lastCost).toEqual({ reads: 4, writes: 50 + 2 });
  });
});

const chat = new Chat('12');
const second = new RecordedUser(chat.log, person('guest-1', 'one.example'));
second.registers('guest');
chat.room.tell((room) => room.joinedBy(olga));
const root = chat.says(carol, 'root', mentions(bob, olga));
const inThread = chat.relates(carol, 'm.thread', root);
chat.bob.setsData(
  'm.push_rules',
  rules('content', { pattern: 'cake', actions: ['notify', { set_tweak: 'highlight' }] }),
);
chat.alice.setsData('m.ignored_user_list', { ignored_users: { [carol.id]: {} } });
chat.says(carol, 'Cake, Bob?');
chat.room.together(() => {
  for (const body of ['1', '2']) chat.says(carol, body, { 'm.mentions': { room: true } });
  chat.room.tell((room) => room.membership(bob, bob, 'join', { displayname: '__proto__' }));
});
chat.reads(chat.bob, inThread, { thread_id: root.eventId });
chat.reads(chat.olga, root, { receipt_type: 'm.read.private' });
chat.room.tell((room) => room.powerLevels({ users: { [carol.id]: 50 } }));
chat.says(carol, 'all', { 'm.mentions': { room: true } });
chat.room.redact(carol, inThread);
chat.room.softFail(
  chat.room.room.event({ type: 'm.room.member', sender: carol, stateKey: carol.id, content: {} }),
);
chat.room.outlier(
  chat.room.room.event({ type: 'm.room.member', sender: olga, stateKey: olga.id, content: {} }),
);
chat.says(alice, 'cake');
const late = chat.says(bob, 'me too');
chat.reads(chat.olga, late);
chat.reads(chat.olga, root);
chat.room.tell((room) => room.banned(olga));
forgetsEvents(chat.log, [inThread.eventId, late.eventId]);
chat.alice.deactivates();
chat.says(carol, 'bye');
projectionContract(notificationCountsProjection, chat.log.records);

test('what a message said counts no more once that was forgotten, the message does', async () => {
  const chat = new Chat();
  const root = chat.says(carol, 'root');
  const relation = { 'm.relates_to': { rel_type: 'm.thread', event_id: root.eventId } };
  const mention = chat.says(carol, 'Bob', { ...mentions(bob), ...relation });
  const records = forgetting(chat.log.records, [mention.eventId]);
  expect((await chat.answers(records)).get(bob.id)?.unread).toEqual([2, 0]);
});
