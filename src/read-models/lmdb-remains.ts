import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { bootId } from '../runtime/lmdb-check.js';
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
  SUB_TREE,
  treeAt,
  type Meta,
  type Tree,
} from '../runtime/lmdb-pages.js';

/*
 * What an LMDB file holds beyond what can be read through LMDB: bytes that were deleted. They are in pages that no
 * tree has, and in pages that one has between the pointers and the nodes, and after the end of what is on pages of
 * its own. A page says which transaction wrote it (src/runtime/lmdb-pages.ts).
 */

/** Pages looked at in one turn of the event loop: a millisecond or two. */
const AT_ONCE = 256;

/** A key at or after which something lies in a page that is to be written anew. */
export interface Untidy {
  readonly table: string;
  readonly key: Buffer;
}

export interface Survey {
  /** Pages in use that have old bytes where nothing is. */
  readonly untidy: readonly Untidy[];
  /** How many pages that are not in use hold something from up to the transaction that was asked for, or nobody knows what. */
  readonly stale: number;
}

/**
 * Looks at every page of a file that LMDB has open, for bytes that a transaction up to `last` may have left where
 * nothing is: what is newer holds only what there was later. A read transaction must be open meanwhile, so that no page
 * that is in use now is written again.
 *
 * Costs reading the file once, 5 us for each page.
 *
 * @throws PageError where it is no LMDB file
 */
export async function surveyPages(file: string, last: number): Promise<Survey> {
  const pages = new Pages(file);
  try {
    const walk = new Walk(pages, last);
    await walk.tree(pages.meta.free, undefined);
    await walk.tree(pages.meta.main, '');
    return { untidy: walk.untidy, stale: await walk.stale() };
  } finally {
    pages.close();
  }
}

class Pages {
  readonly meta: Meta;
  readonly #handle: number;

  constructor(file: string) {
    this.#handle = openSync(file, 'r');
    this.meta = this.#newestMeta();
  }

  get size(): number {
    return this.meta.pageSize;
  }

  get count(): number {
    return Math.ceil(fstatSync(this.#handle).size / this.size);
  }

  read(first: number, count = 1): Buffer {
    return this.#bytes(first * this.size, count * this.size);
  }

  close(): void {
    closeSync(this.#handle);
  }

  /** One of the meta pages may just be being written, so they are read until they stand still. */
  #newestMeta(): Meta {
    let head = this.#bytes(0, LARGEST_HEAD);
    for (let again = this.#head(head); again !== undefined; again = this.#head(head)) head = again;
    return metaOf(head, bootId());
  }

  #head(before: Buffer): Buffer | undefined {
    const { pageSize } = metaOf(before, bootId());
    const now = this.#bytes(0, LARGEST_HEAD);
    return now.compare(before, 0, 2 * pageSize, 0, 2 * pageSize) === 0 ? undefined : now;
  }

  #bytes(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.#handle, bytes, 0, length, at);
    return bytes;
  }
}

class Walk {
  readonly untidy: Untidy[] = [];
  readonly #pages: Pages;
  readonly #last: number;
  readonly #used: PageSet;
  readonly #zeros: Buffer;

  constructor(pages: Pages, last: number) {
    this.#pages = pages;
    this.#last = last;
    this.#zeros = Buffer.alloc(pages.size);
    this.#used = new PageSet(pages.count);
    this.#used.add(0);
    this.#used.add(1);
  }

  /** @param table its name; '' for the tree whose entries are the tables, `undefined` for the free list */
  async tree({ root }: Tree, table: string | undefined): Promise<void> {
    const open = root === undefined ? [] : [root];
    for (let number = open.pop(), seen = 1; number !== undefined; number = open.pop(), seen++) {
      if (seen % AT_ONCE === 0) await setImmediate();
      const page = this.#pages.read(number);
      this.#used.add(number);
      const isBranch = page.readUInt16LE(18) === BRANCH;
      const nodes = nodesOf(page);
      if (table !== undefined && table !== '') this.#checkGap(page, isBranch, nodes, table);
      for (const node of nodes) {
        if (isBranch) open.push(node.readUIntLE(0, 6));
        else await this.#entry(node, table);
      }
    }
  }

  async #entry(node: Buffer, table: string | undefined): Promise<void> {
    const flags = node.readUInt16LE(4);
    const key = keyOf(node);
    const data = NODE_HEADER + key.length;
    if ((flags & BIG_DATA) !== 0) {
      const [first, count] = [number64(node, data), number64(node, data + 16)];
      for (let i = 0; i < count; i++) this.#used.add(first + i);
      if (table === undefined || table === '') return;
      const pages = this.#pages.read(first, count);
      const isOlder = number64(pages, 8) <= this.#last;
      const rest = pages.subarray(PAGE_HEADER + node.readUInt32LE(0));
      if (isOlder && !this.#isZero(rest)) this.untidy.push({ table, key: Buffer.from(key) });
    } else if ((flags & SUB_TREE) !== 0 && table === '') {
      // lmdb-js ends names with a zero byte.
      await this.tree(treeAt(node, data), key.toString().replace(/\0$/, ''));
    }
  }

  #checkGap(page: Buffer, isBranch: boolean, nodes: readonly Buffer[], table: string): void {
    if (number64(page, 8) > this.#last || this.#isZero(gapOf(page))) return;
    // The first key of a branch page is left empty.
    const node = (isBranch ? nodes[1] : undefined) ?? nodes[0];
    if (node !== undefined) this.untidy.push({ table, key: Buffer.from(keyOf(node)) });
  }

  /** Counts pages that are not in use and may hold what was deleted: neither empty nor written since. */
  async stale(): Promise<number> {
    let stale = 0;
    const { count } = this.#pages;
    for (let first = 0; first < count; first += AT_ONCE) {
      const bytes = this.#pages.read(first, Math.min(AT_ONCE, count - first));
      for (let at = 0; at < bytes.length; at += this.#pages.size) {
        const number = first + at / this.#pages.size;
        if (this.#used.has(number)) continue;
        const page = bytes.subarray(at, at + this.#pages.size);
        if (!this.#isNew(page, number) && !this.#isZero(page)) stale++;
      }
      await setImmediate();
    }
    return stale;
  }

  #isNew(page: Buffer, number: number): boolean {
    const flags = page.readUInt16LE(18);
    const isPage = flags === BRANCH || flags === LEAF || flags === OVERFLOW;
    if (!isPage || number64(page, 0) !== number || number64(page, 8) <= this.#last) return false;
    if (flags === OVERFLOW) {
      for (let i = page.readUInt32LE(20) - 1; i > 0; i--) this.#used.add(number + i);
    }
    return true;
  }

  #isZero(bytes: Buffer): boolean {
    for (let at = 0; at < bytes.length; at += this.#zeros.length) {
      const part = bytes.subarray(at, at + this.#zeros.length);
      if (!part.equals(this.#zeros.subarray(0, part.length))) return false;
    }
    return true;
  }
}

/** Numbers of pages, a bit for each. */
class PageSet {
  #bits: Uint8Array;

  constructor(count: number) {
    this.#bits = new Uint8Array((count >> 3) + 1);
  }

  add(number: number): void {
    const at = Math.floor(number / 8);
    if (at >= this.#bits.length) {
      const more = new Uint8Array(at * 2);
      more.set(this.#bits);
      this.#bits = more;
    }
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (number % 8));
  }

  has(number: number): boolean {
    return ((this.#bits[Math.floor(number / 8)] ?? 0) & (1 << (number % 8))) !== 0;
  }
}

/** Each begins where its page says, and goes on to the page's end, whatever follows it there. */
function nodesOf(page: Buffer): Buffer[] {
  const count = page.readUInt16LE(20) / 2;
  const nodes: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    nodes.push(page.subarray(PAGE_HEADER + page.readUInt16LE(PAGE_HEADER + 2 * i)));
  }
  return nodes;
}

function keyOf(node: Buffer): Buffer {
  return node.subarray(NODE_HEADER, NODE_HEADER + node.readUInt16LE(6));
}

function gapOf(page: Buffer): Buffer {
  return page.subarray(PAGE_HEADER + page.readUInt16LE(20), PAGE_HEADER + page.readUInt16LE(22));
}
