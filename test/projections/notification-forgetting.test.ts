import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold, Lane } from '../../projections/fold.js';
import { notificationCountsProjection } from '../../projections/notification-counts.js';
import { roomList, withEvent, withoutEvents } from '../../projections/notified-events.js';
import { DocumentOverlay } from '../../projections/documents.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import type { LoggedRecord } from '../../src/log/log.js';
import { START } from '../../src/log/position.js';
import {
  notifiedInvitations,
  notifiedRoomPages,
  type NotificationRoom,
} from '../../src/read-models/collections.js';
import { isHighlighted, notifiedEvent } from '../../src/read-models/notified-events.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import { temporaryFolder } from '../support/folder.js';
import { folded } from '../support/folded.js';
import { afterForgetting, forgetsEvents } from '../support/forgetting.js';
import { dumpProjection } from '../support/projections.js';
import { alice, bob, carol, Chat, mentions, olga, rules } from './notification-stories.js';

const HIGHLIGHT = ['notify', { set_tweak: 'highlight' }];

async function made(records: readonly LoggedRecord[]): Promise<string[]> {
  const folder = temporaryFolder();
  const store = openLmdbReadStore(folder.path);
  try {
    const lane = new Lane(notificationCountsProjection, START);
    const slice = { records, position: records.at(-1)?.position ?? START };
    await fold(store, 'epoch', [lane], slice, (_, __, error) => {
      throw error;
    });
    return await dumpProjection(store, notificationCountsProjection);
  } finally {
    await store.close();
    folder.remove();
  }
}

/** Whoever folds the records without ever having seen what was forgotten has the same documents. */
async function expectSame(chat: Chat): Promise<void> {
  const { records } = chat.log;
  expect(await made(afterForgetting(records))).toEqual(await made(records));
}

describe('when content is forgotten', () => {
  test('whoever was mentioned, or would be notified without the content, is not', async () => {
    const chat = new Chat();
    chat.says(carol, '1');
    const said = [chat.says(carol, 'Bob!', mentions(bob)), chat.says(carol, 'beep', { msgtype: 'm.notice' })];
    const ids = said.map(({ eventId }) => eventId);
    const before = await chat.unread(chat.bob);
    forgetsEvents(chat.log, ids, 'erased');
    expect([before, await chat.unread(chat.bob)]).toEqual([
      [2, 1],
      [1, 0],
    ]);
    await expectSame(chat);
  });

  test('counts are new, even where nothing was counted', async () => {
    const chat = new Chat();
    const beep = chat.says(carol, 'beep', { msgtype: 'm.notice' });
    const at = forgetsEvents(chat.log, [beep.eventId], 'erased');
    expect([await chat.changed(chat.alice), await chat.changed(chat.bob)]).toEqual([at, at]);
    await expectSame(chat);
  });

  test('what relates to it notifies nobody, in a thread or not', async () => {
    const chat = new Chat();
    const root = chat.says(carol, 'root');
    const reply = chat.relates(carol, 'm.thread', root);
    const note = chat.relates(carol, 'm.reference', reply);
    chat.relates(carol, 'm.reference', note);
    const other = chat.relates(carol, 'm.thread', root);
    forgetsEvents(chat.log, [reply.eventId], 'erased');
    expect(await chat.unread(chat.bob)).toEqual([2, 0, { [root.eventId]: [1, 0] }]);
    await expectSame(chat);
    const later = chat.relates(carol, 'm.reference', note);
    expect(await chat.unread(chat.bob)).toEqual([3, 0, { [root.eventId]: [1, 0] }]);
    forgetsEvents(chat.log, [other.eventId, later.eventId], 'erased');
    expect(await chat.unread(chat.bob)).toEqual([1, 0]);
    await expectSame(chat);
  });

  test('its sender has read what was before it, as it is not known in which thread it was', async () => {
    const chat = new Chat();
    const root = chat.says(carol, 'root');
    chat.relates(carol, 'm.thread', root);
    chat.says(bob, 'main');
    const reply = chat.relates(bob, 'm.thread', root);
    chat.relates(carol, 'm.thread', root);
    const own = chat.says(bob, 'main again');
    chat.says(carol, 'new');
    forgetsEvents(chat.log, [reply.eventId], 'erased');
    expect(await chat.unread(chat.bob)).toEqual([2, 0, { [root.eventId]: [1, 0] }]);
    await expectSame(chat);
    forgetsEvents(chat.log, [own.eventId], 'erased');
    expect(await chat.unread(chat.bob)).toEqual([1, 0]);
    await expectSame(chat);
  });

  test('a display name takes with it what is unread in the room by it', async () => {
    const chat = new Chat();
    const named = { conditions: [{ kind: 'contains_display_name' }], actions: HIGHLIGHT };
    chat.bob.setsData('m.push_rules', rules('override', named));
    const member = chat.room.tell((room) => room.membership(bob, bob, 'join', { displayname: 'Robert' }));
    chat.says(carol, 'robert?');
    chat.room.tell((room) => room.membership(bob, bob, 'join', { displayname: 'Rob' }));
    chat.says(carol, 'rob?');
    chat.room.redact(carol, member);
    expect(await chat.unread(chat.bob)).toEqual([2, 2]);
    forgetsEvents(chat.log, [member.eventId]);
    expect([await chat.unread(chat.bob), await chat.unread(chat.alice)]).toEqual([
      [0, 0],
      [2, 0],
    ]);
    await expectSame(chat);
  });

  test('an invitation does not', async () => {
    const chat = new Chat();
    const invited = chat.room.tell((room) =>
      room.membership(alice, olga, 'invite', { displayname: 'Olga', reason: 'Come!' }),
    );
    chat.room.tell((room) => room.joinedBy(olga));
    chat.says(carol, '1');
    forgetsEvents(chat.log, [invited.eventId], 'erased');
    expect(await chat.unread(chat.olga)).toEqual([1, 0]);
    await expectSame(chat);
  });

  test('power levels take with them what is unread in the room', async () => {
    const chat = new Chat();
    const levels = { users: { [alice.id]: 100 }, notifications: { room: 0 } };
    const set = chat.room.tell((room) => room.powerLevels(levels));
    chat.says(carol, 'all!', { 'm.mentions': { room: true } });
    chat.room.redact(carol, set);
    expect(await chat.unread(chat.bob)).toEqual([1, 1]);
    forgetsEvents(chat.log, [set.eventId]);
    expect(await chat.unread(chat.bob)).toEqual([0, 0]);
    await expectSame(chat);
  });

  test('what is left lies as if nothing else had ever been', async () => {
    const chat = new Chat();
    const said = Array.from({ length: 150 }, (_, i) =>
      chat.says(carol, `${i}`, i % 4 === 0 ? mentions(bob) : i % 3 === 0 ? { msgtype: 'm.notice' } : {}),
    );
    const erased = said.filter((_, i) => i >= 100 || i % 5 === 0);
    const ids = erased.map(({ eventId }) => eventId);
    forgetsEvents(chat.log, ids, 'erased');
    await expectSame(chat);
    const listed = (await chat.answers()).get(bob.id)?.listed ?? [];
    expect(listed.length).toBeGreaterThan(50);
    expect(listed.filter(({ highlight }) => highlight).length).toBeGreaterThan(15);
  });

  test('nothing counts that was too old already', async () => {
    const chat = new Chat();
    const said = Array.from({ length: 1100 }, (_, i) => chat.says(carol, `${i}`));
    forgetsEvents(chat.log, [said[1050]?.eventId ?? ''], 'erased');
    expect(await chat.unread(chat.bob)).toEqual([999, 0]);
    await expectSame(chat);
  });
});

describe('what was read', () => {
  test('goes where it was of the content, and from before what its reader said', async () => {
    const chat = new Chat();
    const said = Array.from({ length: 100 }, (_, i) => chat.says(carol, `${i}`));
    const [, , third, , fifth] = said;
    if (third === undefined || fifth === undefined) throw new Error('Nothing was said.');
    chat.reads(chat.bob, said[70] ?? fifth);
    forgetsEvents(chat.log, [third.eventId, said[65]?.eventId ?? '', said[99]?.eventId ?? ''], 'erased');
    expect(await chat.listed(chat.bob)).toHaveLength(97);
    await expectSame(chat);
    const own = chat.says(bob, 'mine');
    chat.says(carol, 'after');
    forgetsEvents(chat.log, [own.eventId], 'erased');
    expect(await chat.listed(chat.bob)).toHaveLength(1);
    await expectSame(chat);
  });

  test('is like an invitation that rules have looked into: it goes, whatever they said', async () => {
    const chat = new Chat();
    const condition = { kind: 'event_match', key: 'content.reason', pattern: 'Come!' } as const;
    chat.olga.setsData('m.push_rules', rules('override', { conditions: [condition], actions: [] }));
    const invited = ['Come!', 'Please come.'].map((reason) =>
      chat.room.tell((room) => room.membership(alice, olga, 'invite', { reason })),
    );
    const invitations = async () =>
      (await folded(notificationCountsProjection, chat.log.records)).of(notifiedInvitations);
    expect((await invitations()).map(({ event_id }) => event_id)).toEqual([invited[1]?.eventId]);
    const ids = invited.map(({ eventId }) => eventId);
    const again = chat.room.tell((room) => room.membership(alice, olga, 'invite', { reason: 'Come!' }));
    forgetsEvents(chat.log, [...ids, again.eventId], 'erased');
    expect(await invitations()).toEqual([]);
    await expectSame(chat);
  });

  test('and invitations are as if the content had never been, whatever happened', async () => {
    const doing = fc.constantFrom(
      'say',
      'thread',
      'relate',
      'mention',
      'read',
      'redact',
      'invite',
      'move',
      'forget',
    );
    const steps = fc.array(fc.tuple(doing, fc.nat({ max: 3 }), fc.nat({ max: 80 })), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(steps, async (story) => {
        const chat = new Chat();
        const people = [alice, bob, carol, olga];
        const said: RoomEvent[] = Array.from({ length: 40 }, () => chat.says(carol, 'first'));
        for (const [what, who, at] of story) {
          const one = people[who] ?? alice;
          const target = said[at % said.length];
          if (target === undefined) throw new Error('Nothing was said.');
          const user = [chat.alice, chat.bob, chat.olga][at % 3] ?? chat.alice;
          if (what === 'say') said.push(chat.says(one, 'x'));
          else if (what === 'mention') said.push(chat.says(one, 'x', mentions(alice, bob)));
          else if (what === 'thread') said.push(chat.relates(one, 'm.thread', target));
          else if (what === 'relate') said.push(chat.relates(one, 'm.reference', target));
          else if (what === 'redact') chat.room.redact(one, target);
          else if (what === 'forget') forgetsEvents(chat.log, [target.eventId], 'erased');
          else if (what === 'read') chat.reads(user, target, { thread_id: who === 0 ? 'main' : null });
          else if (what === 'invite')
            said.push(chat.room.tell((room) => room.membership(alice, one, 'invite')));
          else said.push(chat.room.tell((room) => room.membership(one, one, at % 2 ? 'join' : 'leave')));
        }
        forgetsEvents(chat.log, [said[7]?.eventId ?? ''], 'erased');
        await expectSame(chat);
      }),
      { numRuns: 40 },
    );
  });
});

describe('highlights', () => {
  test('count for ten thousand events of the room', async () => {
    const folder = temporaryFolder();
    const store = openLmdbReadStore(folder.path);
    const documents = new DocumentOverlay(store, 1);
    let room: NotificationRoom = {
      room_id: '!r',
      version: '11',
      events: 0,
      joined: 2,
      recent: [],
      removed: 0,
    };
    const counts = async () => {
      const pages = await documents.find(notifiedRoomPages, { prefix: ['!r'] });
      const events = [...pages.flatMap((page) => page.events), ...room.recent];
      return [events.length, events.filter(isHighlighted).length];
    };
    const add = async (ordinal: number, highlight: boolean) => {
      const event = notifiedEvent(ordinal * 3, ordinal, { marks: highlight ? 1 : 0 }, '');
      room = { ...room, recent: (await withEvent(roomList(room, documents), event)).recent };
      return counts();
    };
    expect(await add(1, true)).toEqual([1, 1]);
    expect(await add(2, false)).toEqual([2, 1]);
    expect(await add(990, true)).toEqual([3, 2]);
    expect(await add(1002, true)).toEqual([3, 3]);
    expect(await add(10_000, false)).toEqual([4, 3]);
    expect(await add(10_050, true)).toEqual([4, 3]);
    const nothing = { upTo: 0, gone: new Set<number>(), newest: 11_002 };
    const left = await withoutEvents(roomList(room, documents), nothing);
    expect(left?.recent).toEqual([[30_150, 10_050, 1]]);
    await store.close();
    folder.remove();
  });
});
