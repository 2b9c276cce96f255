import type { Child, Hash, Inner, Leaf } from './node.js';
import type { NodeReader } from './nodes.js';
import { digitAt } from './path.js';
import { entriesBelow } from './trie.js';

/** One key on which two versions differ; `undefined` where a version does not have it. */
export interface Difference {
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/**
 * The keys on which two versions differ. Equal subtrees are recognised by their hash and not read: the cost
 * follows the differences (times the depth), not the size of the map.
 *
 * @throws MissingNodeError
 */
export function* diff(nodes: NodeReader, before: Hash, after: Hash): Generator<Difference, void, undefined> {
  yield* diffBelow(nodes, before, after);
}

/** A key on which several versions do not agree, with the value in each of them, in the order of the roots. */
export interface Conflict {
  readonly key: string;
  readonly values: readonly (string | undefined)[];
}

/**
 * The keys on which not all of these versions agree (in state resolution: the conflicted state map, with keys
 * that some sets lack among them). Each distinct root is compared with the first: the cost is the sum of
 * those differences.
 *
 * @throws MissingNodeError
 */
export function conflicts(nodes: NodeReader, roots: readonly Hash[]): Conflict[] {
  const [first, ...others] = new Set(roots);
  if (first === undefined) return [];
  const inFirst = new Map<string, string | undefined>();
  const changed = new Map<Hash, Map<string, string | undefined>>();
  for (const other of others) {
    const values = new Map<string, string | undefined>();
    for (const { key, before, after } of diff(nodes, first, other)) {
      inFirst.set(key, before);
      values.set(key, after);
    }
    changed.set(other, values);
  }
  return [...inFirst].map(([key, value]) => ({
    key,
    values: roots.map((root) => {
      const values = changed.get(root);
      return values?.has(key) ? values.get(key) : value;
    }),
  }));
}

function* diffBelow(
  nodes: NodeReader,
  a: Child | undefined,
  b: Child | undefined,
): Generator<Difference, void, undefined> {
  if (a === b) return;
  if (a === undefined || b === undefined) {
    if (a !== undefined)
      for (const [key, before] of entriesBelow(nodes, a)) yield { key, before, after: undefined };
    if (b !== undefined)
      for (const [key, after] of entriesBelow(nodes, b)) yield { key, before: undefined, after };
    return;
  }
  const left = typeof a === 'string' ? nodes.read(a) : a;
  const right = typeof b === 'string' ? nodes.read(b) : b;
  if (left.kind === 'leaf') yield* diffLeaf(nodes, left, right, false);
  else if (right.kind === 'leaf') yield* diffLeaf(nodes, right, left, true);
  else yield* diffInner(nodes, left, right);
}

/** A leaf holds few entries: what the other side has beyond them is a difference anyway. */
function* diffLeaf(
  nodes: NodeReader,
  leaf: Leaf,
  other: Child,
  reversed: boolean,
): Generator<Difference, void, undefined> {
  const rest = new Map(leaf.entries);
  const found = (key: string, mine: string | undefined, theirs: string | undefined): Difference =>
    reversed ? { key, before: theirs, after: mine } : { key, before: mine, after: theirs };
  for (const [key, theirs] of entriesBelow(nodes, other)) {
    const mine = rest.get(key);
    rest.delete(key);
    if (mine !== theirs) yield found(key, mine, theirs);
  }
  for (const [key, mine] of rest) yield found(key, mine, undefined);
}

function* diffInner(nodes: NodeReader, a: Inner, b: Inner): Generator<Difference, void, undefined> {
  if (a.prefix.length <= b.prefix.length && b.prefix.startsWith(a.prefix)) {
    const same = a.prefix.length === b.prefix.length;
    // Where one node's prefix is longer, it lies whole under one child of the other.
    const place = same ? -1 : digitAt(b.prefix, a.prefix.length);
    for (const [digit, child] of a.children.entries()) {
      yield* diffBelow(nodes, child, same ? b.children[digit] : digit === place ? b : undefined);
    }
  } else if (a.prefix.startsWith(b.prefix)) {
    const place = digitAt(a.prefix, b.prefix.length);
    for (const [digit, child] of b.children.entries()) {
      yield* diffBelow(nodes, digit === place ? a : undefined, child);
    }
  } else {
    yield* diffBelow(nodes, a, undefined);
    yield* diffBelow(nodes, undefined, b);
  }
}
