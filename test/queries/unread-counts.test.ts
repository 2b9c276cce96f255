import { describe, expect, test } from 'vitest';
import { notificationCountsProjection } from '../../projections/notification-counts.js';
import { fold, Lane } from '../../projections/fold.js';
import { START } from '../../src/log/position.js';
import { SharedPages } from '../../src/queries/shared-pages.js';
import { unreadCounts } from '../../src/queries/unread-counts.js';
import { notifiedRoomPages } from '../../src/read-models/collections.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { alice, bob, carol, Chat } from '../projections/notification-stories.js';
import { temporaryFolder } from '../support/folder.js';
import { whereFolded } from '../support/folded.js';

/** The store, and how often a room's pages were read. */
function watched(store: ReadStore): { store: ReadStore; read: () => number } {
  let reads = 0;
  const collection: ReadStore['collection'] = (definition) => {
    const found = store.collection(definition);
    if (definition.name !== notifiedRoomPages.name) return found;
    return {
      get: (key) => found.get(key),
      getMany: (keys) => found.getMany(keys),
      count: (range, index) => found.count(range, index),
      find: (range, index) => {
        reads++;
        return found.find(range, index);
      },
    };
  };
  const proxy = new Proxy(store, {
    get: (target, name) => (name === 'collection' ? collection : (Reflect.get(target, name) as unknown)),
  });
  return { store: proxy, read: () => reads };
}

function ask<T>(chat: Chat, what: (store: ReadStore) => Promise<T>): Promise<T> {
  return whereFolded(notificationCountsProjection, chat.log.records, what);
}

describe('unread counts', () => {
  test('of a crowd that is told at once take the pages of their room once', async () => {
    const chat = new Chat();
    for (let i = 0; i < 200; i++) chat.says(carol, `${i}`);
    await ask(chat, async (real) => {
      const { store, read } = watched(real);
      const side = { store, sharedPages: new SharedPages(store, { processed: chat.log.head }) };
      const crowd = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? alice : bob));
      const found = await Promise.all(crowd.map(({ id }) => unreadCounts(side, id, chat.room.id)));
      expect(new Set(found.map((one) => one?.notifications))).toEqual(new Set([200]));
      expect(read()).toBe(1);
    });
  });

  test('take no pages where these are read', async () => {
    const chat = new Chat();
    for (let i = 0; i < 200; i++) chat.says(carol, `${i}`);
    chat.reads(chat.bob, chat.says(carol, 'read'));
    chat.says(carol, 'new');
    await ask(chat, async (real) => {
      const { store, read } = watched(real);
      const side = { store, sharedPages: new SharedPages(store, { processed: chat.log.head }) };
      expect((await unreadCounts(side, bob.id, chat.room.id))?.notifications).toBe(1);
      expect(read()).toBe(0);
    });
  });

  test('are of the pages as they are now, whatever was kept of them', async () => {
    const chat = new Chat();
    const said = Array.from({ length: 100 }, (_, i) => chat.says(carol, `${i}`));
    const folder = temporaryFolder();
    const store = openLmdbReadStore(folder.path);
    const lane = new Lane(notificationCountsProjection, START);
    const sharedPages = new SharedPages(store, { processed: Infinity });
    const counts = async () => {
      const { records, head: position } = chat.log;
      await fold(store, 'epoch', [lane], { records, position }, () => undefined);
      await store.serve(notificationCountsProjection.name, notificationCountsProjection.version);
      return (await unreadCounts({ store, sharedPages }, bob.id, chat.room.id))?.notifications;
    };
    expect(await counts()).toBe(100);
    chat.says(carol, 'more');
    expect(await counts()).toBe(101);
    if (said[10] !== undefined) chat.room.redact(carol, said[10]);
    expect(await counts()).toBe(100);
    for (let i = 0; i < 40; i++) chat.says(carol, 'even more');
    expect(await counts()).toBe(140);
    await store.close();
    folder.remove();
  });

  test('are not kept of a write that is not through', async () => {
    const chat = new Chat();
    for (let i = 0; i < 100; i++) chat.says(carol, `${i}`);
    await ask(chat, async (real) => {
      const { store, read } = watched(real);
      const positions = { processed: 1 };
      const side = { store, sharedPages: new SharedPages(store, positions) };
      await unreadCounts(side, bob.id, chat.room.id);
      positions.processed = chat.log.head;
      await unreadCounts(side, bob.id, chat.room.id);
      await unreadCounts(side, bob.id, chat.room.id);
      expect(read()).toBe(2);
    });
  });

  test('are none of who has not joined', async () => {
    const chat = new Chat();
    await ask(chat, async (store) => {
      const side = { store, sharedPages: new SharedPages(store, { processed: chat.log.head }) };
      expect(await unreadCounts(side, carol.id, chat.room.id)).toBeUndefined();
      expect(await unreadCounts(side, bob.id, '!none')).toBeUndefined();
    });
  });
});
