import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { open, type Database, type RootDatabase } from 'lmdb';
import { LogFormatError } from './errors.js';
import { isLockFile, lockFolder } from './folder-lock.js';
import { isObject } from './json.js';

const MAGIC = 'engram-log';
const FORMAT = 1;
const FORMAT_FILE = 'format.json';
const DATABASE_FILE = 'log.mdb';

export type Table = Database<Buffer, Buffer>;

/** The opened folder of an embedded log: LMDB's tables as lmdb-format.ts describes them, and the lock. */
export interface LmdbStore {
  /** The database's file. */
  readonly file: string;
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly records: Table;
  readonly places: Table;
  readonly streams: Table;
  readonly retained: Table;
  readonly meta: Table;
  close(): Promise<void>;
}

/**
 * Opens a folder, or makes it (mode 0700). The first map is `mapSize` bytes; LMDB doubles it as it fills.
 *
 * @throws LogFormatError when the folder is in use, or holds something foreign, newer or unreadable
 */
export function openLmdbStore(folder: string, mapSize?: number): LmdbStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  refuseForeign(folder);
  const release = lockFolder(folder);
  try {
    checkFormat(folder);
    const root = openRoot(folder, mapSize);
    const table = (name: string): Table =>
      root.openDB<Buffer, Buffer>(name, { encoding: 'binary', keyEncoding: 'binary' });
    return {
      file: join(folder, DATABASE_FILE),
      root,
      records: table('records'),
      places: table('places'),
      streams: table('streams'),
      retained: table('retained'),
      meta: table('meta'),
      close: async () => {
        try {
          await root.close();
        } finally {
          release();
        }
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * Opens a log's folder to read it, beside a process that writes it or alone: takes no lock, makes nothing.
 *
 * @throws LogFormatError when there is no log, or a foreign, newer or unreadable one
 */
export function openLmdbStoreForReading(folder: string): LmdbStore {
  if (!existsSync(join(folder, DATABASE_FILE))) throw new LogFormatError(`There is no log in ${folder}.`);
  refuseForeign(folder);
  checkFormat(folder);
  const root = openRoot(folder, undefined, true);
  const table = (name: string): Table => {
    try {
      return root.openDB<Buffer, Buffer>(name, { encoding: 'binary', keyEncoding: 'binary' });
    } catch (error) {
      void root.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw new LogFormatError(`The log in ${folder} cannot be read (table ${name}): ${reason}`);
    }
  };
  return {
    file: join(folder, DATABASE_FILE),
    root,
    records: table('records'),
    places: table('places'),
    streams: table('streams'),
    retained: table('retained'),
    meta: table('meta'),
    close: () => root.close(),
  };
}

function refuseForeign(folder: string): void {
  const names = readdirSync(folder).filter((name) => !isLockFile(name));
  if (names.length > 0 && !names.includes(FORMAT_FILE)) {
    throw new LogFormatError(`${folder} holds something else than a log of ours.`);
  }
}

function checkFormat(folder: string): void {
  const file = join(folder, FORMAT_FILE);
  if (!existsSync(file)) {
    // Before the database, so that a crash in between leaves a log of ours, empty.
    writeFileSync(file, `${JSON.stringify({ magic: MAGIC, format: FORMAT })}\n`, {
      mode: 0o600,
      flush: true,
    });
    syncFolder(folder);
    return;
  }
  let format: unknown;
  try {
    format = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    format = undefined;
  }
  if (!isObject(format) || format['magic'] !== MAGIC || typeof format['format'] !== 'number') {
    throw new LogFormatError(`${file} does not say that this is a log of ours.`);
  }
  if (format['format'] !== FORMAT) {
    throw new LogFormatError(
      `The log in ${folder} has format ${format['format']}; this program knows format ${FORMAT}.`,
    );
  }
}

const LMDB_MAGIC = 0xbeefc0de;
/** Both meta pages, with the largest pages there are. */
const META_BYTES = 2 * 65_536;

/**
 * Opening what is not a whole LMDB file ends the process (a signal, not an error), so its two meta pages are
 * read first: magic number, page size, and whether the file reaches as far as the newest of them says.
 * (MDB_meta in mdb.c: after a page header of 24 bytes come the magic number, at 48 the page size, at 144 the
 * last page, at 152 the transaction.)
 */
function checkDatabase(file: string): void {
  if (!existsSync(file)) return;
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    // Made, and never written to.
    if (size === 0) return;
    const bytes = Buffer.alloc(Math.min(size, META_BYTES));
    readSync(handle, bytes, 0, bytes.byteLength, 0);
    const pageSize = bytes.byteLength >= 168 ? bytes.readUInt32LE(48) : 0;
    if (pageSize < 512 || pageSize > 65_536 || bytes.byteLength < pageSize + 168) {
      throw new LogFormatError(`${file} is not a database, or it is damaged.`);
    }
    let lastPage = 0n;
    let newest = -1n;
    for (const meta of [bytes, bytes.subarray(pageSize)]) {
      if (meta.readUInt32LE(24) !== LMDB_MAGIC) {
        throw new LogFormatError(`${file} is not a database, or it is damaged.`);
      }
      const transaction = meta.readBigUInt64LE(152);
      if (transaction > newest) [newest, lastPage] = [transaction, meta.readBigUInt64LE(144)];
    }
    if ((lastPage + 1n) * BigInt(pageSize) > BigInt(size)) {
      throw new LogFormatError(`${file} is cut off; restore it from a backup.`);
    }
  } finally {
    closeSync(handle);
  }
}

function openRoot(
  folder: string,
  mapSize: number | undefined,
  readOnly = false,
): RootDatabase<Buffer, Buffer> {
  checkDatabase(join(folder, DATABASE_FILE));
  try {
    const root = open<Buffer, Buffer>(join(folder, DATABASE_FILE), {
      noSubdir: true,
      encoding: 'binary',
      keyEncoding: 'binary',
      maxDbs: 8,
      // Plain LMDB: a commit is flushed before it is visible, and before its promise resolves. See lmdb.ts.
      overlappingSync: false,
      readOnly,
      ...(mapSize === undefined ? {} : { mapSize }),
    });
    if (!readOnly) syncFolder(folder);
    return root;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LogFormatError(`${join(folder, DATABASE_FILE)} cannot be opened: ${reason}`);
  }
}

/** A file's name is durable when its folder is. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
