import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { notificationCountsProjection } from '../../projections/notification-counts.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import { notificationCounts } from '../../src/read-models/collections.js';
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
    expect((await chat.documents()).entries).toHaveLength(4);
  });

  test('for an older event, a marker, or one of another room brings nothing back', async () => {
    const chat = new Chat();
    const [first, second] = [chat.says(carol, '1'), chat.says(carol, '2')];
    chat.reads(chat.bob, second);
    const { counts } = await chat.documents();
    chat.reads(chat.bob, first);
    chat.bob.reads('!other:one.example', second.eventId, chat.positionOf(second));
    expect((await chat.documents()).counts).toEqual(counts);
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
    const position = async () => {
      const { counts } = await chat.documents();
      return counts.find(({ user_id }) => user_id === bob.id)?.position;
    };
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
  /** What anybody may do next; numbers choose among what there is. */
  type Step = readonly [
    'say' | 'thread' | 'relate' | 'mention' | 'read' | 'redact' | 'move',
    who: number,
    what: number,
  ];
  const doing = fc.constantFrom<Step[0]>('say', 'thread', 'relate', 'mention', 'read', 'redact', 'move');
  const steps = fc.array(fc.tuple(doing, fc.nat({ max: 3 }), fc.nat({ max: 80 })), { maxLength: 80 });

  test('are always those of the entries', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (story) => {
        const chat = new Chat();
        const people = [alice, bob, carol, olga];
        // More than fit into one page.
        const said: RoomEvent[] = Array.from({ length: 40 }, () => chat.says(carol, 'first'));
        for (const [what, who, at] of story) {
          const one = people[who] ?? alice;
          const target = said[at % said.length];
          const user = [chat.alice, chat.bob, chat.olga][at % 3] ?? chat.alice;
          if (target === undefined) throw new Error('Nothing was said.');
          if (what === 'say') said.push(chat.says(one, 'x'));
          else if (what === 'mention') said.push(chat.says(one, 'x', mentions(alice, bob)));
          else if (what === 'thread') said.push(chat.relates(one, 'm.thread', target));
          else if (what === 'relate') said.push(chat.relates(one, 'm.reference', target));
          else if (what === 'redact') chat.room.redact(one, target);
          else if (what === 'move')
            chat.room.tell((room) => room.membership(one, one, at % 2 ? 'join' : 'leave'));
          else
            chat.reads(user, target, { thread_id: [null, 'main', said[0]?.eventId ?? ''][who % 3] ?? null });
        }
        const { counts, entries } = await chat.documents();
        for (const { user_id, notifications, highlights, threads } of counts) {
          const own = entries.filter((entry) => entry.user_id === user_id);
          expect(notifications).toBe(own.length);
          expect(highlights).toBe(own.filter(({ highlight }) => highlight).length);
          const inThreads = own.filter(({ thread_id }) => thread_id !== 'main');
          const sum = Object.values(threads ?? {}).reduce((total, thread) => total + thread.notifications, 0);
          expect(sum).toBe(inThreads.length);
          expect(Object.keys(threads ?? {})).toHaveLength(new Set(inThreads.map((e) => e.thread_id)).size);
        }
        const members = new Set(counts.map(({ user_id }) => user_id));
        expect(entries.filter(({ user_id }) => !members.has(user_id))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('cost a range, the room, and writes of these and per member who is notified, with rules of their own too', async () => {
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
    expect(lastCost).toEqual({ reads: 3, writes: 52 + 2 });
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
  const counts = (await folded(notificationCountsProjection, records)).of(notificationCounts);
  const found = counts.find(({ user_id }) => user_id === bob.id);
  expect(found).toMatchObject({ notifications: 2, highlights: 0 });
  expect(found).not.toHaveProperty('threads');
});
