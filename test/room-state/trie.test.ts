import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOf } from '../../src/room-state/node.js';
import { CachedNodes, MemoryNodeStore, MissingNodeError } from '../../src/room-state/nodes.js';
import {
  EMPTY_ROOT,
  entries,
  lookup,
  lookupMany,
  reachable,
  size,
  update,
  type Changes,
} from '../../src/room-state/trie.js';
import { eventId, member, Tries } from './tries.js';

/** State keys, opaque keys, and texts that break careless encodings. */
const anyKey = fc.oneof(
  fc.nat(40).map((n) => member(n)),
  fc
    .tuple(fc.constantFrom('m.room.name', 'm.room.topic', 'x'), fc.string({ maxLength: 3 }))
    .map(([type, stateKey]) => `${type.length}:${type}${stateKey}`),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('', ':', '0:', '5:abc', '99999999:x', '__proto__', '\ud800', '\udc00', '😀', '😁'),
);
const anyValue = fc.oneof(
  fc.nat(30).map((n) => eventId(n)),
  fc.string({ unit: 'binary', maxLength: 8 }),
  // 43 characters whose last one has stray bits: must not come back as another text.
  fc.constantFrom('', '$' + 'A'.repeat(42) + 'B', '$143273582443PhrSn:example.org', '\ud83d'),
);
const anyMap = fc.array(fc.tuple(anyKey, anyValue), { maxLength: 80 }).map((pairs) => new Map(pairs));
const anyChanges = fc
  .array(fc.tuple(anyKey, fc.option(anyValue, { nil: undefined, freq: 3 })), { maxLength: 30 })
  .map((pairs) => new Map<string, string | undefined>(pairs));

function applied(map: ReadonlyMap<string, string>, changes: Changes): Map<string, string> {
  const result = new Map(map);
  for (const [key, value] of changes) {
    if (value === undefined) result.delete(key);
    else result.set(key, value);
  }
  return result;
}

describe('a trie and a Map told the same', () => {
  test('agree after any run of changes, read anew from the store', () => {
    fc.assert(
      fc.property(fc.array(anyChanges, { maxLength: 6 }), (steps) => {
        const tries = new Tries();
        let model = new Map<string, string>();
        let root = EMPTY_ROOT;
        for (const changes of steps) {
          root = tries.update(root, changes);
          model = applied(model, changes);
          const fresh = new CachedNodes(tries.store);
          expect(new Map(entries(fresh, root))).toEqual(model);
          expect(size(fresh, root)).toBe(model.size);
          for (const key of [...model.keys(), ...changes.keys(), 'absent']) {
            expect(lookup(fresh, root, key)).toBe(model.get(key));
          }
        }
      }),
    );
  });

  test('look up many keys at once', () => {
    const tries = new Tries();
    const root = tries.of(new Map([...Array(50).keys()].map((n) => [member(n), eventId(n)])));
    expect(lookupMany(tries.nodes, root, [member(3), 'absent', member(7)])).toEqual(
      new Map([
        [member(3), eventId(3)],
        [member(7), eventId(7)],
      ]),
    );
  });
});

describe('the root', () => {
  test('is the same for every order and every detour', () => {
    fc.assert(
      fc.property(anyMap, anyMap, fc.infiniteStream(fc.nat()), (map, detour, order) => {
        const tries = new Tries();
        const straight = tries.of(map);

        const shuffled = [...map].map((entry) => ({ entry, rank: Number(order.next().value) }));
        shuffled.sort((a, b) => a.rank - b.rank);
        let root = tries.of(detour);
        for (const { entry } of shuffled) root = tries.update(root, new Map([entry]));
        for (const key of detour.keys()) {
          if (!map.has(key)) root = tries.update(root, new Map([[key, undefined]]));
        }
        expect(root).toBe(straight);
      }),
    );
  });

  test('of one update with many changes is that of the changes one by one', () => {
    fc.assert(
      fc.property(anyMap, anyChanges, (map, changes) => {
        const tries = new Tries();
        const start = tries.of(map);
        let root = start;
        for (const change of changes) root = tries.update(root, new Map([change]));
        expect(tries.update(start, changes)).toBe(root);
      }),
    );
  });

  test('differs for different maps', () => {
    fc.assert(
      fc.property(anyMap, anyMap, (a, b) => {
        const tries = new Tries();
        const same = a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
        expect(tries.of(a) === tries.of(b)).toBe(same);
      }),
    );
  });

  test('of an empty map is fixed, and needs no store', () => {
    const tries = new Tries();
    const root = tries.of(new Map([['a', 'b']]));
    const emptied = update(tries.nodes, root, new Map([['a', undefined]]));
    expect(emptied).toEqual({ root: EMPTY_ROOT, nodes: new Map() });
    expect([...entries(new CachedNodes(new MemoryNodeStore()), EMPTY_ROOT)]).toEqual([]);
  });

  test('never changes for the same content: records of old logs name it', () => {
    const tries = new Tries();
    const map = new Map([...Array(30).keys()].map((n) => [member(n), eventId(n)]));
    expect([EMPTY_ROOT, tries.of(new Map([[member(1), eventId(1)]])), tries.of(map)]).toMatchInlineSnapshot(`
      [
        "S_USLzRFVMU73i67jNK349FgCtYxw4Wl",
        "mlneUEESMG47oXyf2i5I0nT6ksprKCV7",
        "E_RlaXsJOlYVvM8Ox3OljDFKNc-7y7An",
      ]
    `);
  });
});

describe('an update', () => {
  test('makes the nodes of the new version only, and none that it does not need', () => {
    fc.assert(
      fc.property(anyMap, anyChanges, (map, changes) => {
        const tries = new Tries();
        const { root, nodes } = update(tries.nodes, tries.of(map), changes);
        tries.store.put(nodes);
        const needed = reachable(tries.nodes, [root]);
        for (const [hash, bytes] of nodes) {
          expect(needed).toContain(hash);
          expect(hashOf(bytes)).toBe(hash);
        }
      }),
    );
  });

  test('that changes nothing makes nothing', () => {
    const tries = new Tries();
    const map = new Map([...Array(50).keys()].map((n) => [member(n), eventId(n)]));
    const root = tries.of(map);
    const idle = new Map<string, string | undefined>([
      ...map,
      ['absent', undefined],
      [member(60), undefined],
    ]);
    expect(update(tries.nodes, root, idle)).toEqual({ root, nodes: new Map() });
  });

  test('leaves the version before it as it was', () => {
    const tries = new Tries();
    const map = new Map([...Array(50).keys()].map((n) => [member(n), eventId(n)]));
    const root = tries.of(map);
    tries.update(root, new Map([...map.keys()].map((key) => [key, undefined])));
    expect(new Map(entries(tries.nodes, root))).toEqual(map);
  });
});

describe('the store', () => {
  const map = new Map([...Array(200).keys()].map((n) => [member(n), eventId(n)]));

  test('lacks a node: the look-up that needs it says which', () => {
    const tries = new Tries();
    const root = tries.of(map);
    for (const hash of [...tries.store.hashes()]) {
      const store = new MemoryNodeStore();
      store.put(tries.encoded([...tries.store.hashes()].filter((each) => each !== hash)));
      const read = () => [...entries(new CachedNodes(store), root)];
      expect(read).toThrow(
        expect.objectContaining({ name: 'MissingNodeError', kind: 'missing', hash }) as Error,
      );
    }
  });

  test('holds a damaged node: noticed in every byte, and put right by putting the nodes again', () => {
    const tries = new Tries();
    const root = tries.of(map);
    const [hash, bytes] = [...tries.encoded([...tries.store.hashes()])][3] ?? ['', new Uint8Array()];
    for (let at = 0; at < bytes.length; at++) {
      const broken = Uint8Array.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ 1;
      tries.store.put(new Map([[hash, broken]]));
      expect(() => [...entries(new CachedNodes(tries.store), root)]).toThrow(MissingNodeError);
    }
    tries.store.put(update(new CachedNodes(tries.store), EMPTY_ROOT, map).nodes);
    expect(new Map(entries(new CachedNodes(tries.store), root))).toEqual(map);
  });

  test('can drop whatever the roots in use do not reach', () => {
    const tries = new Tries();
    const old = tries.of(map);
    const root = tries.update(old, new Map([[member(5), undefined]]));
    const needed = reachable(tries.nodes, [root]);
    for (const hash of [...tries.store.hashes()]) if (!needed.has(hash)) tries.store.delete(hash);
    expect(size(new CachedNodes(tries.store), root)).toBe(199);
    expect([...entries(new CachedNodes(tries.store), root)]).toHaveLength(199);
    expect(() => [...entries(new CachedNodes(tries.store), old)]).toThrow(MissingNodeError);
  });

  test('is asked once for a node, and the cache keeps its bound', () => {
    const tries = new Tries();
    const root = tries.of(map);
    let reads = 0;
    const counted = {
      get: (hash: string) => (reads++, tries.store.get(hash)),
      has: (hash: string) => tries.store.has(hash),
      put: () => undefined,
    };
    const roomy = new CachedNodes(counted);
    for (let round = 0; round < 3; round++) expect([...entries(roomy, root)]).toHaveLength(200);
    expect(reads).toBe(reachable(tries.nodes, [root]).size);

    const tight = new CachedNodes(counted, 4000);
    expect([...entries(tight, root)]).toHaveLength(200);
    expect(tight.figures.bytes).toBeGreaterThan(0);
    expect(tight.figures.bytes).toBeLessThanOrEqual(4000);
  });
});
