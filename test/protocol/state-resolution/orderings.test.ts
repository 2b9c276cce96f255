import { describe, expect, it } from 'vitest';
import type { RoomEvent } from '../../../src/protocol/events.js';
import type { JsonObject } from '../../../src/protocol/json.js';
import { EventTable } from '../../../src/protocol/state-resolution/index.js';
import { mainlineOrdering } from '../../../src/protocol/state-resolution/mainline-ordering.js';
import { isPowerEvent } from '../../../src/protocol/state-resolution/power-events.js';
import { powerSort } from '../../../src/protocol/state-resolution/power-sort.js';
import { Heap } from '../../../src/protocol/state-resolution/heap.js';

function event(eventId: string, fields: Partial<RoomEvent> = {}): RoomEvent {
  return {
    eventId,
    roomId: '!room:one',
    type: 'm.room.topic',
    sender: '@alice:one',
    stateKey: '',
    content: {},
    depth: 1,
    originServerTs: 0,
    authEvents: [],
    prevEvents: [],
    redacts: undefined,
    pdu: {},
    ...fields,
  };
}

const ids = (events: readonly RoomEvent[]) => events.map(({ eventId }) => eventId);

describe('power events', () => {
  const member = (sender: string, membership: string): RoomEvent =>
    event('$m', {
      type: 'm.room.member',
      stateKey: '@bob:two',
      sender,
      content: { membership } satisfies JsonObject,
    });

  it('are power levels, join rules, kicks and bans', () => {
    expect(isPowerEvent(event('$a', { type: 'm.room.power_levels' }))).toBe(true);
    expect(isPowerEvent(event('$a', { type: 'm.room.join_rules' }))).toBe(true);
    expect(isPowerEvent(member('@alice:one', 'leave'))).toBe(true);
    expect(isPowerEvent(member('@alice:one', 'ban'))).toBe(true);
  });

  it('are not what people do to themselves, invitations, or events that are no state', () => {
    expect(isPowerEvent(member('@bob:two', 'leave'))).toBe(false);
    expect(isPowerEvent(member('@alice:one', 'invite'))).toBe(false);
    expect(isPowerEvent(event('$a'))).toBe(false);
    expect(isPowerEvent(event('$a', { type: 'm.room.power_levels', stateKey: undefined }))).toBe(false);
  });
});

describe('the reverse topological power ordering', () => {
  const sort = (nodes: Record<string, { before?: string[]; power?: number; ts?: number }>): string[] => {
    const graph = new Map(Object.entries(nodes).map(([id, { before = [] }]) => [id, new Set(before)]));
    const sorted = powerSort(graph, (id) => ({
      event: event(id, { originServerTs: nodes[id]?.ts ?? 0 }),
      senderPower: nodes[id]?.power ?? 0,
    }));
    return ids(sorted);
  };

  it('puts auth events first, whatever the power', () => {
    expect(sort({ c: { before: ['b'], power: 100 }, b: { before: ['a'], power: 50 }, a: {} })).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('then the greater power, the earlier time, the lesser ID', () => {
    expect(sort({ a: { power: 0 }, b: { power: Infinity }, c: { power: 50 } })).toEqual(['b', 'c', 'a']);
    expect(sort({ a: { ts: 3 }, b: { ts: 1 }, c: { ts: 2 } })).toEqual(['b', 'c', 'a']);
    expect(sort({ c: {}, a: {}, b: {} })).toEqual(['a', 'b', 'c']);
    expect(sort({ a: { power: Infinity, ts: 2 }, b: { power: Infinity, ts: 1 } })).toEqual(['b', 'a']);
  });

  it('compares IDs by code point, not by UTF-16 unit', () => {
    expect(sort({ '$\u{1F600}': {}, '$\uFB01': {} })).toEqual(['$\uFB01', '$\u{1F600}']);
  });

  it('chooses anew among all that are free at each step', () => {
    // z becomes free with a, and goes before b that was free all along.
    expect(sort({ a: { power: 100 }, b: { power: 10 }, z: { before: ['a'], power: 50 } })).toEqual([
      'a',
      'z',
      'b',
    ]);
  });

  it('gives each event once, however many edges lead to it', () => {
    expect(
      sort({ a: {}, b: { before: ['a'] }, c: { before: ['a'] }, d: { before: ['a', 'b', 'c'] } }),
    ).toHaveLength(4);
  });
});

describe('the mainline ordering', () => {
  //  p1 <- p2 <- p3 (the resolved one);  p2 <- x (a power level event that lost)
  const levels = (id: string, authEvents: string[]): RoomEvent =>
    event(id, { type: 'm.room.power_levels', authEvents });
  const under = (id: string, authEvents: string[], originServerTs = 0): RoomEvent =>
    event(id, { authEvents, originServerTs });
  const p3 = levels('$p3', ['$p2']);
  const set = [
    under('$on-p3', ['$p3'], 1),
    under('$on-p1', ['$p1'], 9),
    under('$on-x', ['$x'], 4),
    under('$on-p2', ['$p2'], 5),
    under('$on-nothing', [], 20),
  ];
  const table = new EventTable([
    levels('$p1', []),
    levels('$p2', ['$p1']),
    levels('$x', ['$p2']),
    p3,
    ...set,
  ]);

  it('goes by the place on the mainline, the earliest power levels first, none at all before them', () => {
    const sorted = mainlineOrdering(set, p3, table, table);
    expect(ids(sorted)).toEqual(['$on-nothing', '$on-p1', '$on-x', '$on-p2', '$on-p3']);
  });

  it('goes by time and ID alone where there are no power levels', () => {
    const sorted = mainlineOrdering(set, undefined, table, table);
    expect(ids(sorted)).toEqual(['$on-p3', '$on-x', '$on-p2', '$on-p1', '$on-nothing']);
    const even = [under('$b', []), under('$a', [])];
    expect(ids(mainlineOrdering(even, undefined, table, table))).toEqual(['$a', '$b']);
  });

  it('follows the mainline only as far back as the events need', () => {
    const length = 5_000;
    const all = Array.from({ length }, (_, index) =>
      levels(`$l${index}`, index === 0 ? [] : [`$l${index - 1}`]),
    );
    const recent = [under('$one', [`$l${length - 3}`]), under('$two', [`$l${length - 2}`])];
    const long = new EventTable([...all, ...recent]);
    const seen = new Set<string>();
    const source = {
      event: (id: string) => {
        seen.add(id);
        return long.event(id);
      },
      rejected: () => false,
    };
    expect(ids(mainlineOrdering(recent, all.at(-1), source, long))).toEqual(['$one', '$two']);
    expect(seen.size).toBeLessThan(10);
  });
});

describe('the heap', () => {
  it('gives its items in order', () => {
    const heap = new Heap<number>((a, b) => a - b);
    const items = Array.from({ length: 200 }, (_, index) => (index * 7919) % 211);
    for (const item of items) heap.push(item);
    expect(heap.size).toBe(200);
    expect(items.map(() => heap.pop())).toEqual(items.toSorted((a, b) => a - b));
    expect(heap.pop()).toBeUndefined();
  });
});
