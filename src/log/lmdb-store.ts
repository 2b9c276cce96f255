import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
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

function openRoot(folder: string, mapSize: number | undefined): RootDatabase<Buffer, Buffer> {
  try {
    const root = open<Buffer, Buffer>(join(folder, DATABASE_FILE), {
      noSubdir: true,
      encoding: 'binary',
      keyEncoding: 'binary',
      maxDbs: 8,
      // Plain LMDB: a commit is flushed before it is visible, and before its promise resolves. See lmdb.ts.
      overlappingSync: false,
      ...(mapSize === undefined ? {} : { mapSize }),
    });
    syncFolder(folder);
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
