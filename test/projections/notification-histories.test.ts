import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RoomEvent } from '../../src/protocol/events.js';
import { NotificationModel } from './notification-model.js';
import { alice, bob, carol, Chat, mentions, olga, rules, type Answers } from './notification-stories.js';

const HIGHLIGHT = ['notify', { set_tweak: 'highlight' }];

/** What anybody may do next; numbers choose among what there is. */
const DOING = [
  ...['say', 'say', 'notice', 'mention', 'mention', 'everybody', 'tombstone', 'together', 'together'],
  ...[
    'thread',
    'thread',
    'relate',
    'read',
    'read',
    'read',
    'redact',
    'move',
    'rename',
    'settings',
    'settings',
  ],
] as const;
type Step = readonly [what: (typeof DOING)[number], who: number, at: number];

const PEOPLE = [alice, bob, carol, olga];

/** Where one person speaks for long, and where all do. */
const steps = (most: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.tuple(fc.constantFrom(...DOING), fc.nat({ max: most }), fc.nat({ max: 80 })), {
    minLength: 10,
    maxLength: 80,
    size: 'max',
  });

function take(chat: Chat, said: RoomEvent[], [what, who, at]: Step): void {
  const one = PEOPLE[who] ?? alice;
  const target = said[at % said.length];
  const user = [chat.alice, chat.bob, chat.olga][at % 3] ?? chat.alice;
  if (target === undefined) throw new Error('Nothing was said.');
  const relation = (rel_type: string) => ({ 'm.relates_to': { rel_type, event_id: target.eventId } });
  switch (what) {
    case 'say':
      said.push(chat.says(one, at % 2 === 0 ? 'cake' : 'x'));
      return;
    case 'notice':
      said.push(chat.says(one, 'x', { msgtype: 'm.notice', ...mentions(bob) }));
      return;
    case 'mention':
      said.push(chat.says(one, 'x', { ...mentions(alice, bob), ...(at % 2 ? relation('m.thread') : {}) }));
      return;
    case 'everybody':
      said.push(
        chat.says(one, 'x', { 'm.mentions': { room: true, user_ids: at % 2 ? [olga.id, '', 7] : [] } }),
      );
      return;
    case 'tombstone':
      said.push(chat.room.tell((room) => room.setState(one, 'm.room.tombstone', { body: 'over' })));
      return;
    case 'together':
      chat.room.together(() => {
        said.push(chat.says(PEOPLE[at % 4] ?? bob, '1'), chat.says(one, '2', mentions(alice)));
        if (at % 3 === 0) chat.room.tell((room) => room.membership(olga, olga, 'join'));
        said.push(chat.says(PEOPLE[(at + 1) % 4] ?? bob, '3'));
      });
      return;
    case 'thread':
      said.push(chat.relates(one, 'm.thread', target));
      return;
    case 'relate':
      said.push(chat.relates(one, 'm.reference', target));
      return;
    case 'read':
      chat.reads(user, target, { thread_id: [null, 'main', said[who]?.eventId ?? ''][at % 4] ?? null });
      return;
    case 'redact':
      said.push(chat.room.redact(one, target));
      return;
    case 'move':
      chat.room.tell((room) => room.membership(one, one, at % 3 === 0 ? 'leave' : 'join'));
      return;
    case 'rename':
      chat.room.tell((room) => room.membership(one, one, 'join', { displayname: `${at}` }));
      return;
    case 'settings':
      if (at % 5 < 2) user.setsData('m.push_rules', { rules: {}, changed: [] });
      else if (at % 5 === 2)
        user.setsData('m.push_rules', rules('content', { pattern: 'cake', actions: HIGHLIGHT }));
      else user.setsData('m.ignored_user_list', { ignored_users: at % 5 === 3 ? { [carol.id]: {} } : {} });
  }
}

/** All but when counts changed, which may be said to be later. */
const shown = (answers: ReadonlyMap<string, Answers>) =>
  Object.fromEntries([...answers].map(([id, { unread, listed }]) => [id, { unread, listed }]));

test.each([
  ['of one who speaks', 0],
  ['of two who speak', 1],
  ['of all', 3],
])(
  'in a room %s, everybody is told what would be found by judging each event for each member',
  async (_, most) => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 40 }), steps(most), async (beforehand, story) => {
        const chat = new Chat();
        const speaker = most === 0 ? alice : carol;
        const said = Array.from({ length: beforehand + 1 }, (__, n) =>
          chat.says(speaker, `${n}`, n % 7 === 0 ? mentions(bob) : {}),
        );
        for (const step of story) take(chat, said, step);
        const [answers, model] = [await chat.answers(), new NotificationModel(chat.log.records).answers()];
        expect(shown(answers)).toEqual(shown(model));
        for (const [id, { changed }] of model) {
          expect(answers.get(id)?.changed, id).toBeGreaterThanOrEqual(changed);
        }
      }),
      { numRuns: 60 },
    );
  },
  120_000,
);
