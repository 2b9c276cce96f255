import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileEventFilter } from '../../src/protocol/filters.js';
import { eventPage, type Reader } from '../../src/queries/event-page.js';
import type { ReadSide } from '../../src/queries/read-side.js';
import { childrenOf } from '../../src/queries/relation-index.js';
import { timeline, type TimelineEvent } from '../../src/read-models/collections.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { EMPTY_ROOT } from '../../src/room-state/trie.js';
import { RoomServer } from '../http/support/room-server.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
let server: RoomServer;
let store: ReadStore;
let side: ReadSide;
let position = 0;
let rooms = 0;

beforeAll(async () => {
  server = await RoomServer.open(() => []);
  store = openLmdbReadStore(folder.path);
  side = { ...server.core.read, store };
});

afterAll(async () => {
  await store.close();
  await server.close();
  folder.remove();
});

function event(roomId: string, at: number, index: number, type: string): TimelineEvent {
  const event_id = `$${at}-${index}`;
  return {
    room_id: roomId,
    position: at,
    index,
    event_id,
    type,
    sender: '@alice:one.example',
    origin_server_ts: at,
    depth: at,
    json: JSON.stringify({ event_id }),
    state_before: EMPTY_ROOT,
    state_after: EMPTY_ROOT,
    current_root: EMPTY_ROOT,
    relates_to: { event_id: '$root', rel_type: 'm.thread' },
  };
}

/** A room whose commits brought in so many events each; every third event is of type `wanted`. */
async function aRoom(commits: readonly number[]): Promise<{ roomId: string; events: TimelineEvent[] }> {
  const roomId = `!r${++rooms}:one.example`;
  const events = commits.flatMap((count) => {
    const at = ++position;
    return Array.from({ length: count }, (_, index) =>
      event(roomId, at, index, (at + index) % 3 === 0 ? 'wanted' : 'other'),
    );
  });
  const checkpoint = await store.checkpoint('timelines', 1);
  const next = { projection: 'timelines', version: 1, position: ++position, epoch: 'e' };
  await store.write(
    events.map((document) => ({
      collection: timeline as never,
      key: timeline.key(document),
      document,
      projection: 'timelines',
      version: 1,
    })),
    [{ next, expected: checkpoint?.position ?? -1 }],
  );
  await store.serve('timelines', 1);
  return { roomId, events };
}

function reader(filter: object): Reader {
  const joined = {
    user_id: '@alice:one.example',
    room_id: '',
    position: -1,
    index: 0,
    membership: 'join',
    previous: 'leave',
    event_id: '$join',
    sender: '@alice:one.example',
  };
  return {
    eyes: { userId: '@alice:one.example', changes: [joined] },
    ignored: new Set(),
    filter: compileEventFilter(filter as never),
  };
}

const someCommits = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 60 });
const ids = (events: readonly TimelineEvent[]) => events.map(({ event_id }) => event_id);

describe('a page of events', () => {
  it('and those after it have every event once, in order, whole commits together', async () => {
    await fc.assert(
      fc.asyncProperty(
        someCommits,
        fc.integer({ min: 1, max: 30 }),
        fc.boolean(),
        fc.constantFrom({}, { types: ['wanted'] }),
        async (commits, limit, backwards, filter) => {
          const { roomId, events } = await aRoom(commits);
          const read: TimelineEvent[] = [];
          let from = backwards ? position : -1;
          for (;;) {
            const page = await eventPage(side, { roomId, backwards, from }, reader(filter), limit);
            // At most the rest of the last commit goes beyond the limit.
            expect(page.events.length).toBeLessThan(limit + 5);
            read.push(...page.events);
            if (page.isLast) break;
            expect(page.next).not.toBe(from);
            from = page.next;
          }
          const wanted = events.filter(({ type }) => !('types' in filter) || type === 'wanted');
          expect(ids(read)).toEqual(ids(backwards ? wanted.toReversed() : wanted));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('stops where it is told to', async () => {
    const { roomId, events } = await aRoom([2, 3, 1, 2]);
    const [second, last] = [events[2]?.position ?? 0, events[5]?.position ?? 0];
    const all = reader({});
    const forwards = await eventPage(side, { roomId, backwards: false, from: -1, to: second }, all, 100);
    expect(ids(forwards.events)).toEqual(ids(events.slice(0, 5)));
    const back = await eventPage(side, { roomId, backwards: true, from: last, to: second }, all, 100);
    expect(ids(back.events)).toEqual(ids(events.slice(5, 6)));
  });

  it('begins beyond an event with the others of its commit', async () => {
    const { roomId, events } = await aRoom([1, 5, 1]);
    const [middle, from] = [events[3], events[3]?.position ?? 0];
    const read = async (backwards: boolean) =>
      eventPage(side, { roomId, backwards, from, beyond: middle }, reader({}), 2);
    const [before, after] = [await read(true), await read(false)];
    expect(ids(before.events)).toEqual(ids(events.slice(1, 3).toReversed()));
    expect(ids(after.events)).toEqual(ids(events.slice(4, 6)));
  });

  it('ends after so many that nobody wants, and says where to go on', async () => {
    const { roomId, events } = await aRoom(Array.from({ length: 5200 }, () => 1));
    const page = await eventPage(
      side,
      { roomId, backwards: true, from: position },
      reader({ types: ['none'] }),
      10,
    );
    expect([page.events, page.isLast]).toEqual([[], false]);
    expect(page.next).toBeGreaterThan(events[0]?.position ?? 0);
    expect(page.next).toBeLessThan(events[500]?.position ?? 0);
  });
});

describe('the children of an event', () => {
  it('come in whole commits, each once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(someCommits, fc.boolean(), async (commits, backwards) => {
        const { roomId, events } = await aRoom([...commits, 120, 1]);
        const read: TimelineEvent[] = [];
        const places = { after: undefined, to: undefined };
        for await (const page of childrenOf(side, [roomId, '$root', 'm.thread'], places, backwards)) {
          read.push(...page);
        }
        expect(ids(read)).toEqual(ids(backwards ? events.toReversed() : events));
      }),
      { numRuns: 20 },
    );
  });
});
