import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conflicts, diff } from '../../src/room-state/diff.js';
import { EMPTY_ROOT } from '../../src/room-state/trie.js';
import { eventId, member, Tries } from './tries.js';

const anyKey = fc.oneof(
  fc.nat(60).map((n) => member(n)),
  fc.nat(30).map((n) => `1:${String.fromCharCode(97 + n)}`),
);
const anyState = fc
  .dictionary(anyKey, fc.nat(3).map(eventId), { maxKeys: 80 })
  .map((o) => new Map(Object.entries(o)));

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1;
}

describe('the difference of two versions', () => {
  test('equals that of the maps', () => {
    fc.assert(
      fc.property(anyState, anyState, (a, b) => {
        const tries = new Tries();
        const expected = [...new Set([...a.keys(), ...b.keys()])]
          .map((key) => ({ key, before: a.get(key), after: b.get(key) }))
          .filter(({ before, after }) => before !== after);
        const found = [...diff(tries.nodes, tries.of(a), tries.of(b))];
        expect(found.sort(byKey)).toEqual(expected.sort(byKey));
      }),
    );
  });

  test('equals the edits that lead from one to the other', () => {
    const tries = new Tries();
    const before = tries.of(new Map([...Array(500).keys()].map((n) => [member(n), eventId(n)])));
    const edits = new Map<string, string | undefined>([
      [member(3), undefined],
      [member(4), eventId(9000)],
      [member(9001), eventId(9001)],
    ]);
    const after = tries.update(before, edits);
    expect([...diff(tries.nodes, before, after)].sort(byKey)).toEqual([
      { key: member(3), before: eventId(3), after: undefined },
      { key: member(4), before: eventId(4), after: eventId(9000) },
      { key: member(9001), before: undefined, after: eventId(9001) },
    ]);
  });

  test('is empty for equal versions, without reading anything', () => {
    const unread = { read: () => expect.unreachable('read a node') };
    expect([...diff(unread, 'x', 'x')]).toEqual([]);
  });
});

describe('the conflicts of several versions', () => {
  test('are the keys on which they disagree, with the value in each', () => {
    fc.assert(
      fc.property(fc.array(anyState, { maxLength: 4 }), (states) => {
        const tries = new Tries();
        const keys = new Set(states.flatMap((state) => [...state.keys()]));
        const expected = [...keys]
          .map((key) => ({ key, values: states.map((state) => state.get(key)) }))
          .filter(({ values }) => new Set(values).size > 1);
        const roots = states.map((state) => tries.of(state));
        expect(conflicts(tries.nodes, roots).sort(byKey)).toEqual(expected.sort(byKey));
      }),
    );
  });

  test('with an empty version are all keys', () => {
    const tries = new Tries();
    const root = tries.of(new Map([['a', 'b']]));
    expect(conflicts(tries.nodes, [EMPTY_ROOT, root, EMPTY_ROOT])).toEqual([
      { key: 'a', values: [undefined, 'b', undefined] },
    ]);
  });
});
