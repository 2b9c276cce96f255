import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
} from 'node:fs';
import {
  BIG_DATA,
  BRANCH,
  LARGEST_HEAD,
  LEAF,
  metaOf,
  NODE_HEADER,
  number64,
  OVERFLOW,
  PAGE_HEADER,
  PageError,
  SUB_TREE,
  TREE_BYTES,
  treeAt,
  type Meta,
  type Tree,
} from './lmdb-pages.js';

/** A file up to this size is looked through before it is opened, in a fraction of a second; a larger one after a crash. */
export const LOOKED_THROUGH = 64 * 1_048_576;

/** What a file is for. */
export interface Content {
  /** The names of its tables. Beside one of them, another one is a name that was damaged. */
  readonly tables: readonly string[];
  /** Whether a table's entry is what was stored, as far as can be told from itself. */
  readonly isSound?: (table: string, key: Buffer, value: Buffer) => boolean;
}

/**
 * What is wrong with an LMDB file, in words that go on after its name, or undefined where nothing is. LMDB itself
 * believes what it reads: a damaged page ends the process by a signal, or gives another answer. No other process may
 * write the file meanwhile.
 *
 * Its head is always looked at: that it is a database, and that the file reaches as far as it says. `whole` looks at
 * every page in use: that each is what its parent says, its nodes lie within it and in order, every tree has what it
 * counts, and no page is used twice or is free and used. What it should hold is for `content` to say. Costs about three
 * seconds for each gigabyte that is in memory.
 */
export function damageOf(file: string, whole: boolean, content?: Content): string | undefined {
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    // Made, and never written to.
    if (size === 0) return undefined;
    const head = Buffer.alloc(Math.min(size, LARGEST_HEAD));
    readSync(handle, head, 0, head.byteLength, 0);
    const meta = metaOf(head, bootId());
    if ((meta.lastPage + 1) * meta.pageSize > size) throw new PageError('is cut off');
    if (whole) new PageCheck(handle, meta).run(content);
    return undefined;
  } catch (error) {
    if (error instanceof PageError) return error.message;
    throw error;
  } finally {
    closeSync(handle);
  }
}

/**
 * That LMDB can open a file and the lock file beside it, without which it ends the process.
 *
 * @throws Error of the system, such as EACCES, with the path
 */
export function requireAccess(file: string, lockFile: string): void {
  for (const path of [file, lockFile])
    if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
}

/** This boot as LMDB notes it in a meta page. */
export function bootId(): bigint | undefined {
  const name = bootName();
  return name === undefined ? undefined : BigInt.asIntN(64, BigInt(`0x${name.slice(0, 8)}`));
}

/** What the system calls the time since the machine was started; undefined where it has no name for it. */
export function bootName(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}

interface Counts {
  branches: number;
  leaves: number;
  overflows: number;
  entries: number;
}

type OnEntry = (data: Buffer, flags: number, key: Buffer) => void;

/** A key where it lies in a page. */
interface Place {
  readonly page: Buffer;
  readonly start: number;
  readonly end: number;
}

type Compare = (a: Place, b: Place) => number;
const byBytes: Compare = (a, b) => a.page.compare(b.page, b.start, b.end, a.start, a.end);
const byNumber: Compare = (a, b) => number64(a.page, a.start) - number64(b.page, b.start);

class PageCheck {
  readonly #handle: number;
  readonly #meta: Meta;
  /** A bit for each page: whether something uses it. */
  readonly #used: Uint8Array;
  readonly #leaf: Buffer;

  constructor(handle: number, meta: Meta) {
    this.#handle = handle;
    this.#meta = meta;
    this.#used = new Uint8Array((meta.lastPage >> 3) + 1);
    this.#leaf = Buffer.allocUnsafe(meta.pageSize);
  }

  /** @throws PageError */
  run({ tables: names, isSound }: Content = { tables: [] }): void {
    const { main, free } = this.#meta;
    const tables = new Map<string, Tree>();
    this.#tree(main, byBytes, (data, flags, name) => {
      if ((flags & SUB_TREE) === 0) return;
      if (data.byteLength !== TREE_BYTES) throw new PageError('is damaged: a table has no tree');
      // lmdb-js ends names with a zero byte.
      tables.set(name.toString().replace(/\0$/, ''), treeAt(data, 0));
    });
    const known = names.filter((name) => tables.has(name));
    if (known.length > 0 && known.length < tables.size)
      throw new PageError('is damaged: a table has another name');
    for (const [table, tree] of tables) {
      const check = (value: Buffer, _flags: number, key: Buffer) => {
        if (isSound?.(table, key, value) === false) throw new PageError(`is damaged in table ${table}`);
      };
      this.#tree(tree, byBytes, isSound && check);
    }
    const lists: Buffer[] = [];
    this.#tree(free, byNumber, (data) => lists.push(Buffer.from(data)));
    for (const list of lists) this.#freed(list);
  }

  #tree(tree: Tree, compare: Compare, onEntry?: OnEntry): void {
    const counts = { branches: 0, leaves: 0, overflows: 0, entries: 0 };
    if (tree.root !== undefined)
      this.#visit(tree.root, tree.depth, { counts, compare, onEntry }, undefined, undefined);
    for (const [name, count] of Object.entries(counts)) {
      if (tree[name as keyof Counts] !== count)
        throw new PageError(`is damaged: a tree has not the ${name} it counts`);
    }
  }

  /** A page and all below it; its keys must be from `low` on and before `high`. */
  #visit(
    number: number,
    depth: number,
    tree: { counts: Counts; compare: Compare; onEntry: OnEntry | undefined },
    low: Place | undefined,
    high: Place | undefined,
  ): void {
    this.#use(number, 1);
    const kind = depth > 1 ? BRANCH : LEAF;
    // Of leaves only one is looked at at a time.
    const page = this.#read(number, 1, kind === LEAF ? this.#leaf : undefined);
    if (depth < 1 || number64(page, 0) !== number || page.readUInt16LE(18) !== kind) throw damaged(number);
    const nodes = nodesOf(page, kind, number);
    if (kind === BRANCH) tree.counts.branches++;
    else tree.counts.leaves++;
    // The first key of a branch stands for everything below the second.
    const first = kind === BRANCH ? 1 : 0;
    let before = low;
    for (let i = first; i < nodes.length; i++) {
      const node = nodes[i] as Node;
      const order = before === undefined ? -1 : tree.compare(before, node);
      if (order > 0 || (order === 0 && i > first)) throw damaged(number);
      before = node;
    }
    if (high !== undefined && before !== undefined && tree.compare(before, high) >= 0) throw damaged(number);
    for (const [i, node] of nodes.entries()) {
      if (kind === BRANCH) {
        this.#visit(node.child, depth - 1, tree, i === 0 ? low : node, nodes[i + 1] ?? high);
        continue;
      }
      tree.counts.entries++;
      if (tree.onEntry !== undefined) {
        tree.onEntry(this.#data(node, number, tree.counts), node.flags, page.subarray(node.start, node.end));
      } else if ((node.flags & BIG_DATA) !== 0) this.#overflow(node, number, tree.counts);
    }
  }

  #data(node: Node, number: number, counts: Counts): Buffer {
    if ((node.flags & BIG_DATA) === 0) return node.page.subarray(node.end, node.end + node.size);
    const { first, pages } = this.#overflow(node, number, counts);
    return this.#read(first, pages).subarray(PAGE_HEADER, PAGE_HEADER + node.size);
  }

  /** The pages of data that is too large for a leaf. */
  #overflow(
    { page: from, end, size }: Node,
    number: number,
    counts: Counts,
  ): { first: number; pages: number } {
    const [first, pages] = [number64(from, end), number64(from, end + 16)];
    // More than it takes where the value was longer once.
    if (pages < Math.floor((PAGE_HEADER - 1 + size) / this.#meta.pageSize) + 1) throw damaged(number);
    this.#use(first, pages);
    const page = this.#read(first, 1);
    if (
      number64(page, 0) !== first ||
      page.readUInt16LE(18) !== OVERFLOW ||
      page.readUInt32LE(20) !== pages
    ) {
      throw damaged(first);
    }
    counts.overflows += pages;
    return { first, pages };
  }

  /** A list of free pages: how many numbers follow; each 0, a page, or the negative length of a run and its first page. */
  #freed(list: Buffer): void {
    const count = list.byteLength / 8 - 1;
    if (!Number.isInteger(count) || count < 0 || number64(list, 0) > count)
      throw new PageError('is damaged: free pages');
    for (let i = 1; i <= number64(list, 0); i++) {
      const value = Number(list.readBigInt64LE(i * 8));
      if (value > 0) this.#use(value, 1);
      else if (value < 0) {
        i++;
        if (i > count) throw new PageError('is damaged: free pages');
        this.#use(number64(list, i * 8), -value);
      }
    }
  }

  #use(first: number, count: number): void {
    if (first < 2 || first + count - 1 > this.#meta.lastPage)
      throw new PageError(`is damaged: no page ${first}`);
    for (let page = first; page < first + count; page++) {
      const [byte, bit] = [page >> 3, 1 << (page & 7)];
      const known = this.#used[byte] ?? 0;
      if ((known & bit) !== 0) throw new PageError(`is damaged: page ${page} is used twice`);
      this.#used[byte] = known | bit;
    }
  }

  #read(first: number, count: number, into?: Buffer): Buffer {
    const { pageSize } = this.#meta;
    const bytes = into ?? Buffer.allocUnsafe(count * pageSize);
    const read = readSync(this.#handle, bytes, 0, bytes.byteLength, first * pageSize);
    if (read !== bytes.byteLength) throw new PageError('is cut off');
    return bytes;
  }
}

/** A node of a page; its data follows its key. */
interface Node extends Place {
  readonly flags: number;
  /** Of data, wherever it lies. */
  readonly size: number;
  /** Of a branch: the page below. */
  readonly child: number;
}

const POINTER_BYTES = 2;
/** What stands for data on pages of its own: first page, transaction, count of pages. */
const OVERFLOW_BYTES = 24;

/** The nodes of a page: they fill it from its end, without a gap. @throws PageError */
function nodesOf(page: Buffer, kind: number, number: number): Node[] {
  const pointersEnd = page.readUInt16LE(20) + PAGE_HEADER;
  const nodesStart = page.readUInt16LE(22) + PAGE_HEADER;
  const count = (pointersEnd - PAGE_HEADER) / POINTER_BYTES;
  if (!Number.isInteger(count) || count < 1 || pointersEnd > nodesStart || nodesStart > page.byteLength) {
    throw damaged(number);
  }
  const nodes: Node[] = [];
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const at = page.readUInt16LE(PAGE_HEADER + i * POINTER_BYTES) + PAGE_HEADER;
    if (at < nodesStart || at + NODE_HEADER > page.byteLength) throw damaged(number);
    const flags = kind === BRANCH ? 0 : page.readUInt16LE(at + 4);
    const size = kind === BRANCH ? 0 : page.readUInt32LE(at);
    const keyEnd = at + NODE_HEADER + page.readUInt16LE(at + 6);
    const end = keyEnd + ((flags & BIG_DATA) === 0 ? size : OVERFLOW_BYTES);
    if (flags > (BIG_DATA | SUB_TREE) || end > page.byteLength) throw damaged(number);
    bytes += end - at + ((end - at) % 2);
    const child = kind === BRANCH ? page.readUIntLE(at, 6) : 0;
    nodes.push({ page, start: at + NODE_HEADER, end: keyEnd, flags, size, child });
  }
  if (nodesStart + bytes !== page.byteLength) throw damaged(number);
  return nodes;
}

function damaged(number: number): PageError {
  return new PageError(`is damaged at page ${number}`);
}
