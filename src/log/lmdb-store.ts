import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { damageOf, LOOKED_THROUGH, requireAccess } from '../runtime/lmdb-check.js';
import { DiskGuard } from '../runtime/disk-guard.js';
import { flushFolder, writeFileDurably } from '../runtime/durable-file.js';
import { LogFormatError } from './errors.js';
import { OverlaidTable } from './lmdb-overlay.js';
import { holderOf, isLockFile, lockFolder } from './folder-lock.js';
import { isObject } from './json.js';

const MAGIC = 'engram-log';
const FORMAT = 2;
const FORMAT_WITHOUT_JOURNAL = 1;
const FORMAT_FILE = 'format.json';
const DATABASE_FILE = 'log.mdb';
const JOURNAL_FILE = 'log.journal';
const TABLES = ['records', 'places', 'streams', 'retained', 'meta'];

/** The opened folder of an embedded log: LMDB's tables as lmdb-format.ts describes them, and the lock. */
export interface LmdbStore {
  /** The database's file. */
  readonly file: string;
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly journal: string;
  readonly records: OverlaidTable;
  readonly places: OverlaidTable;
  readonly streams: OverlaidTable;
  readonly retained: OverlaidTable;
  readonly meta: OverlaidTable;
  readonly disk: DiskGuard;
  close(): Promise<void>;
}

/**
 * Opens a folder, or makes it (mode 0700). The first map is `mapSize` bytes; LMDB doubles it as it fills. Nothing is
 * written while the disk has less than `leastFree` bytes.
 *
 * @throws LogFormatError when the folder is in use, or holds something foreign, newer or unreadable
 */
export function openLmdbStore(
  folder: string,
  { mapSize, leastFree = 0 }: { readonly mapSize?: number; readonly leastFree?: number },
): LmdbStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  refuseForeign(folder);
  const { release, isSuspect } = lockFolder(folder);
  try {
    checkFormat(folder);
    const file = join(folder, DATABASE_FILE);
    requireAccess(file, `${file}-lock`);
    checkDatabase(file, isSuspect || fileSize(file) <= LOOKED_THROUGH);
    const root = openRoot(folder, mapSize);
    const table = (name: string) =>
      new OverlaidTable(root.openDB<Buffer, Buffer>(name, { encoding: 'binary', keyEncoding: 'binary' }));
    return {
      file: join(folder, DATABASE_FILE),
      journal: join(folder, JOURNAL_FILE),
      root,
      records: table('records'),
      places: table('places'),
      streams: table('streams'),
      retained: table('retained'),
      meta: table('meta'),
      disk: new DiskGuard(file, leastFree),
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

/** In the order in which the journal names them. */
export function overlaidTables({ records, places, streams, retained, meta }: LmdbStore): OverlaidTable[] {
  return [records, places, streams, retained, meta];
}

/**
 * Opens a log's folder to read it, beside a process that writes it or alone: takes no lock, makes nothing.
 *
 * @throws LogFormatError when there is no log, or a foreign, newer or unreadable one
 */
export function openLmdbStoreForReading(folder: string): LmdbStore {
  if (!existsSync(join(folder, DATABASE_FILE))) throw new LogFormatError(`There is no log in ${folder}.`);
  refuseForeign(folder);
  checkFormat(folder, true);
  if (fileSize(join(folder, DATABASE_FILE)) <= LOOKED_THROUGH) requireWholeLog(folder);
  else checkDatabase(join(folder, DATABASE_FILE), false);
  const root = openRoot(folder, undefined, true);
  const table = (name: string) => {
    try {
      return new OverlaidTable(
        root.openDB<Buffer, Buffer>(name, { encoding: 'binary', keyEncoding: 'binary' }),
      );
    } catch (error) {
      void root.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw new LogFormatError(`The log in ${folder} cannot be read (table ${name}): ${reason}`);
    }
  };
  return {
    file: join(folder, DATABASE_FILE),
    journal: join(folder, JOURNAL_FILE),
    root,
    records: table('records'),
    places: table('places'),
    streams: table('streams'),
    retained: table('retained'),
    meta: table('meta'),
    disk: new DiskGuard(join(folder, DATABASE_FILE), 0),
    close: () => root.close(),
  };
}

/**
 * Looks through the whole file of a log, unless a server has it open, which may be writing it: then its head only.
 *
 * @throws LogFormatError when it is damaged
 */
export function requireWholeLog(folder: string): void {
  const file = join(folder, DATABASE_FILE);
  if (holderOf(folder) !== undefined) {
    checkDatabase(file, false);
    return;
  }
  try {
    checkDatabase(file, true);
  } catch (error) {
    // One that was started meanwhile has looked for itself.
    if (holderOf(folder) === undefined) throw error;
  }
}

function refuseForeign(folder: string): void {
  const names = readdirSync(folder).filter((name) => !isLockFile(name));
  if (names.length > 0 && !names.includes(FORMAT_FILE)) {
    throw new LogFormatError(`${folder} holds something else than a log of ours.`);
  }
}

function checkFormat(folder: string, readOnly = false): void {
  const file = join(folder, FORMAT_FILE);
  if (!existsSync(file)) {
    // Before the database, so that a crash in between leaves a log of ours, empty.
    writeFileDurably(file, formatText());
    return;
  }
  const text = readFileSync(file, 'utf8');
  let format: unknown;
  try {
    format = JSON.parse(text);
  } catch {
    format = undefined;
  }
  if (!isObject(format) || format['magic'] !== MAGIC || typeof format['format'] !== 'number') {
    throw new LogFormatError(`${file} does not say that this is a log of ours.`);
  }
  const is = format['format'];
  if (is !== FORMAT && is !== FORMAT_WITHOUT_JOURNAL) {
    throw new LogFormatError(`The log in ${folder} has format ${is}; this program knows format ${FORMAT}.`);
  }
  // Before there is a journal, so that no program goes on without it.
  if (is !== FORMAT && !readOnly) writeFileDurably(file, formatText());
}

function formatText(): Buffer {
  return Buffer.from(`${JSON.stringify({ magic: MAGIC, format: FORMAT })}\n`);
}

/** LMDB believes what it reads, and would answer wrongly or end the process. @throws LogFormatError */
function checkDatabase(file: string, whole: boolean): void {
  if (!existsSync(file)) return;
  const damage = damageOf(file, whole, { tables: TABLES });
  if (damage === undefined) return;
  throw new LogFormatError(`${file} ${damage}. Restore the log from a backup.`);
}

function openRoot(
  folder: string,
  mapSize: number | undefined,
  readOnly = false,
): RootDatabase<Buffer, Buffer> {
  try {
    const root = open<Buffer, Buffer>(join(folder, DATABASE_FILE), {
      noSubdir: true,
      encoding: 'binary',
      keyEncoding: 'binary',
      maxDbs: 8,
      // Of a new log: records have about a kilobyte, and pages of half the size waste a third.
      pageSize: 8192,
      // Plain LMDB: a commit is flushed before it is visible, and before its promise resolves. See lmdb.ts.
      overlappingSync: false,
      readOnly,
      // Else a batch is part of another one, whose promise nobody has, and which ends the process when it fails.
      eventTurnBatching: false,
      ...(mapSize === undefined ? {} : { mapSize }),
    });
    if (!readOnly) flushFolder(folder);
    return root;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LogFormatError(`${join(folder, DATABASE_FILE)} cannot be opened: ${reason}`);
  }
}

function fileSize(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
