/*
 * How LMDB lays out a file, as far as checking it takes (mdb.c of lmdb 3.5: MDB_page, MDB_node, MDB_meta, MDB_db).
 * Numbers are little-endian.
 *
 *   page   0 page number (8), 8 transaction (8), 18 flags (2), 20 end of the pointers (2), 22 start of the nodes (2),
 *          24 pointers (2 each); the last three count from byte 24. An overflow page has its count of pages at 20 (4).
 *   node   0 length of data or, in a branch, page number (6), 4 flags (2), 6 length of key (2), 8 key, data
 *   meta   after a page header: 24 magic (4), 48 tree of free pages, 96 main tree, 144 last page, 152 transaction,
 *          160 boot
 *   tree   0 page size, in the first of a meta (4), 4 flags (2), 6 depth (2), 8 branch pages, 16 leaf pages,
 *          24 overflow pages, 32 entries, 40 root, each 8
 */

export const PAGE_HEADER = 24;
export const NODE_HEADER = 8;
export const TREE_BYTES = 48;

/** A page's kinds. */
export const [BRANCH, LEAF, OVERFLOW] = [0x01, 0x02, 0x04];
/** A node's: its data lies on pages of its own; its data is a tree. */
export const [BIG_DATA, SUB_TREE] = [0x01, 0x02];

const MAGIC = 0xbeefc0de;
const META_BYTES = 168;
/** Both meta pages, with the largest pages there are. */
const LARGEST_HEAD = 2 * 65_536;
/** Of a meta: its transaction was not flushed when it was written (MDB_OVERLAPPINGSYNC). */
const UNFLUSHED = 0x1000;

/** A tree of pages; of no pages where there is no root. */
export interface Tree {
  readonly depth: number;
  readonly branches: number;
  readonly leaves: number;
  readonly overflows: number;
  readonly entries: number;
  readonly root: number | undefined;
}

/** What a file says of itself in one of its meta pages. */
export interface Meta {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly boot: bigint;
  readonly flushed: boolean;
  readonly free: Tree;
  readonly main: Tree;
}

/** Why a file is not a whole LMDB database, in words for an operator: goes on after the file's name. */
export class PageError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'PageError';
  }
}

/** 8 bytes; beyond what a number holds is beyond every file, too. */
export function number64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

export function treeAt(bytes: Buffer, at: number): Tree {
  const none = bytes.readBigUInt64LE(at + 40) === 2n ** 64n - 1n;
  return {
    depth: bytes.readUInt16LE(at + 6),
    branches: number64(bytes, at + 8),
    leaves: number64(bytes, at + 16),
    overflows: number64(bytes, at + 24),
    entries: number64(bytes, at + 32),
    root: none ? undefined : number64(bytes, at + 40),
  };
}

/**
 * The meta page that LMDB will go by when it opens the file, from the file's first bytes (`LARGEST_HEAD` of them, or
 * all). There are two; a database whose commits are flushed later (lmdb-js's `overlappingSync`) has a third one in the
 * middle of the first page, and after another boot goes back to what was flushed.
 *
 * @throws PageError
 */
export function metaOf(head: Buffer, boot: bigint | undefined): Meta {
  const pageSize = head.byteLength >= META_BYTES ? head.readUInt32LE(48) : 0;
  const isSize = pageSize >= 512 && pageSize <= 65_536 && (pageSize & (pageSize - 1)) === 0;
  if (!isSize || head.byteLength < pageSize + META_BYTES)
    throw new PageError('is not a database, or it is damaged');
  const metas = [0, pageSize / 2, pageSize].flatMap((at) => metaAt(head, at, at !== pageSize / 2));
  return metas.reduce((chosen, next) => {
    const newest = chosen.transaction >= next.transaction ? chosen : next;
    if (next.transaction === 0 || newest.flushed || (boot !== undefined && newest.boot === boot))
      return newest;
    return newest === chosen ? next : chosen;
  });
}

export { LARGEST_HEAD };

function metaAt(head: Buffer, at: number, required: boolean): Meta[] {
  if (head.readUInt32LE(at + 24) !== MAGIC) {
    if (!required) return [];
    throw new PageError('is not a database, or it is damaged');
  }
  const meta = {
    pageSize: head.readUInt32LE(48),
    lastPage: number64(head, at + 144),
    transaction: number64(head, at + 152),
    boot: head.readBigInt64LE(at + 160),
    flushed: (head.readUInt16LE(at + 52) & UNFLUSHED) === 0,
    free: treeAt(head, at + 48),
    main: treeAt(head, at + 96),
  };
  return [meta];
}
