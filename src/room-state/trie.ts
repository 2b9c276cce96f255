/**
 * A persistent hash trie: a map from texts to texts whose versions share all nodes that did not change
 * (design: Room state). A version is its root's hash, which covers keys and values and nothing else: the same
 * map has the same root, whatever changes led to it.
 *
 * The shape follows from the map alone: up to `LEAF_ENTRIES` entries (or any number with one and the same
 * path) are a leaf; more are an inner node at the longest prefix that all their paths share.
 */
import {
  EMPTY_NODE,
  encodeNode,
  hashOf,
  LEAF_ENTRIES,
  sizeOf,
  type Child,
  type Entry,
  type Hash,
  type Inner,
  type Leaf,
  type Node,
} from './node.js';
import type { NodeReader } from './nodes.js';
import { ARITY, commonLength, digitAt, groupOf, groupPath, MAX_DEPTH, pathOf } from './path.js';

export { EMPTY_ROOT } from './node.js';

/** What to set (a text) and what to delete (`undefined`), by key. */
export type Changes = ReadonlyMap<string, string | undefined>;

export interface Updated {
  readonly root: Hash;
  /** The nodes of the new version that were made, to be put into the store before the root is used. */
  readonly nodes: ReadonlyMap<Hash, Uint8Array>;
}

interface PlacedChange {
  readonly key: string;
  readonly path: string;
  readonly value: string | undefined;
}

/**
 * The value of a key, or `undefined`. Reads one node per level: the logarithm of the map's size to base 8.
 *
 * @throws MissingNodeError, as all functions here do, if a node on the way is absent or damaged.
 */
export function lookup(nodes: NodeReader, root: Hash, key: string): string | undefined {
  const path = pathOf(key);
  let node = nodes.read(root);
  while (node.kind === 'inner') {
    if (!path.startsWith(node.prefix)) return undefined;
    const child = node.children[digitAt(path, node.prefix.length)];
    if (child === undefined) return undefined;
    node = resolve(nodes, child);
  }
  return node.entries.find((entry) => entry[0] === key)?.[1];
}

/** The values of those keys that have one. */
export function lookupMany(nodes: NodeReader, root: Hash, keys: Iterable<string>): Map<string, string> {
  const found = new Map<string, string>();
  for (const key of keys) {
    const value = lookup(nodes, root, key);
    if (value !== undefined) found.set(key, value);
  }
  return found;
}

/** The number of entries: one node read. */
export function size(nodes: NodeReader, root: Hash): number {
  return sizeOf(nodes.read(root));
}

/** Which groups of keys to list (see `groupOf`): one of them, or all but some. */
export type GroupFilter = { readonly only: string } | { readonly except: readonly string[] };

/**
 * The entries in the order of their paths, which is the same everywhere and means nothing. With a filter, the
 * cost follows what is listed: 10 entries beside a group of 28,000 cost a few nodes.
 */
export function* entries(
  nodes: NodeReader,
  root: Hash,
  filter?: GroupFilter,
): Generator<Entry, void, undefined> {
  if (filter === undefined) return yield* entriesBelow(nodes, root);
  const only = 'only' in filter ? filter.only : undefined;
  const except = 'except' in filter ? filter.except : [];
  const wanted = only === undefined ? undefined : groupPath(only);
  const unwanted = except.map((group) => groupPath(group));
  const skip = (prefix: string) =>
    unwanted.some((path) => prefix.startsWith(path)) ||
    (wanted !== undefined && !prefix.startsWith(wanted) && !wanted.startsWith(prefix));
  for (const entry of entriesBelow(nodes, root, skip)) {
    const group = groupOf(entry[0]);
    if (only === undefined ? !except.includes(group) : group === only) yield entry;
  }
}

/** All entries below a node; `skip` says which subtrees to leave out, by the prefix of their paths. */
export function* entriesBelow(
  nodes: NodeReader,
  child: Child,
  skip?: (prefix: string) => boolean,
): Generator<Entry, void, undefined> {
  const node = resolve(nodes, child);
  if (node.kind === 'leaf') return yield* node.entries;
  if (skip?.(node.prefix)) return;
  for (const [digit, below] of node.children.entries()) {
    if (below !== undefined && !skip?.(node.prefix + String(digit))) yield* entriesBelow(nodes, below, skip);
  }
}

/**
 * The hashes of all nodes that these roots need, each once: whatever else is in the store can go. Memory and
 * time follow the number of distinct nodes.
 */
export function reachable(nodes: NodeReader, roots: Iterable<Hash>): Set<Hash> {
  const seen = new Set<Hash>();
  const pending = [...roots];
  for (let hash = pending.pop(); hash !== undefined; hash = pending.pop()) {
    if (seen.has(hash)) continue;
    seen.add(hash);
    const node = nodes.read(hash);
    if (node.kind === 'leaf') continue;
    for (const child of node.children) if (typeof child === 'string') pending.push(child);
  }
  return seen;
}

/**
 * The version that follows from one by changes. Reads the nodes on the changed keys' paths and makes each new
 * node once, however many changes it covers; changes that change nothing make none.
 */
export function update(nodes: NodeReader, root: Hash, changes: Changes): Updated {
  const placed: PlacedChange[] = [];
  for (const [key, value] of changes) placed.push({ key, path: pathOf(key), value });
  const made = new Map<Hash, Uint8Array>();
  const changed = change(nodes, root, placed) ?? EMPTY_NODE;
  return { root: seal(changed, made), nodes: made };
}

/** The child itself if nothing changed, `undefined` if nothing is left. */
function change(nodes: NodeReader, child: Child | undefined, changes: PlacedChange[]): Child | undefined {
  if (changes.length === 0) return child;
  const node = child === undefined ? EMPTY_NODE : resolve(nodes, child);
  if (node.kind === 'leaf') {
    const merged = merge(node.entries, changes);
    return merged === undefined ? child : build(merged);
  }
  const within: PlacedChange[] = [];
  let depth = node.prefix.length;
  for (const each of changes) {
    const common = commonLength(each.path, node.prefix);
    // What lies outside of the prefix is not there: to delete it changes nothing, to set it widens the node.
    if (common < node.prefix.length && each.value === undefined) continue;
    within.push(each);
    depth = Math.min(depth, common);
  }
  if (within.length === 0) return child;
  const before: (Child | undefined)[] =
    depth === node.prefix.length ? [...node.children] : placeOne(digitAt(node.prefix, depth), child);
  const after = before.slice();
  let total = node.size;
  for (const [digit, group] of byDigit(within, depth)) {
    const old = before[digit];
    const next = change(nodes, old, group);
    if (next === old) continue;
    after[digit] = next;
    total += countOf(nodes, next) - countOf(nodes, old);
  }
  if (after.every((each, digit) => each === before[digit])) return child;
  return inner(nodes, node.prefix.slice(0, depth), total, after);
}

/** The one node for these children: an inner node only if it has two children and more than a leaf can hold. */
function inner(
  nodes: NodeReader,
  prefix: string,
  total: number,
  children: readonly (Child | undefined)[],
): Child | undefined {
  const present = children.filter((each) => each !== undefined);
  if (present.length <= 1) return present[0];
  if (total > LEAF_ENTRIES) return { kind: 'inner', prefix, size: total, children } satisfies Inner;
  const all = present.flatMap((each) => [...entriesBelow(nodes, each)]);
  return { kind: 'leaf', entries: all.sort(byKey) } satisfies Leaf;
}

/** The one node for these entries, which are sorted by key. */
function build(all: readonly Entry[]): Node | undefined {
  if (all.length === 0) return undefined;
  if (all.length <= LEAF_ENTRIES) return { kind: 'leaf', entries: all };
  return buildBelow(all.map((entry) => ({ entry, path: pathOf(entry[0]) })));
}

function buildBelow(placed: readonly { entry: Entry; path: string }[]): Node {
  const leaf: Leaf = { kind: 'leaf', entries: placed.map(({ entry }) => entry) };
  if (placed.length <= LEAF_ENTRIES) return leaf;
  const first = placed[0]?.path ?? '';
  const depth = placed.reduce((least, { path }) => Math.min(least, commonLength(first, path)), MAX_DEPTH);
  if (depth === MAX_DEPTH) return leaf;
  const children = new Array<Child | undefined>(ARITY).fill(undefined);
  for (const [digit, group] of byDigit(placed, depth)) children[digit] = buildBelow(group);
  return { kind: 'inner', prefix: first.slice(0, depth), size: placed.length, children };
}

/** Entries with changes applied, sorted by key; `undefined` if that makes no difference. */
function merge(old: readonly Entry[], changes: readonly PlacedChange[]): readonly Entry[] | undefined {
  const merged = new Map(old);
  let different = false;
  for (const { key, value } of changes) {
    if (merged.get(key) === value) continue;
    different = true;
    if (value === undefined) merged.delete(key);
    else merged.set(key, value);
  }
  return different ? [...merged].sort(byKey) : undefined;
}

/** Gives every new node its name, from the leaves upwards. */
function seal(child: Child, made: Map<Hash, Uint8Array>): Hash {
  if (typeof child === 'string') return child;
  const node: Node =
    child.kind === 'leaf'
      ? child
      : { ...child, children: child.children.map((each) => each && seal(each, made)) };
  const bytes = encodeNode(node);
  const hash = hashOf(bytes);
  if (sizeOf(node) > 0) made.set(hash, bytes);
  return hash;
}

function resolve(nodes: NodeReader, child: Child): Node {
  return typeof child === 'string' ? nodes.read(child) : child;
}

function countOf(nodes: NodeReader, child: Child | undefined): number {
  return child === undefined ? 0 : sizeOf(resolve(nodes, child));
}

function placeOne(digit: number, child: Child | undefined): (Child | undefined)[] {
  const children = new Array<Child | undefined>(ARITY).fill(undefined);
  children[digit] = child;
  return children;
}

function byDigit<T extends { readonly path: string }>(items: readonly T[], depth: number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const digit = digitAt(item.path, depth);
    const group = groups.get(digit);
    if (group === undefined) groups.set(digit, [item]);
    else group.push(item);
  }
  return groups;
}

/** By UTF-16 units, which needs no locale and is the same everywhere. */
function byKey(a: Entry, b: Entry): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
