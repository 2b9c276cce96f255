import { closeSync, constants, existsSync, fdatasync, openSync, readSync, rmSync, write } from 'node:fs';
import { platform } from 'node:os';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { writeFileDurably } from '../runtime/durable-file.js';
import { uuid, type Random } from '../runtime/random.js';
import { LogFormatError } from './errors.js';

/*
 * The journal beside LMDB: what was appended is on the disk there first, by one write to space that the file has
 * already, where a commit of LMDB takes two flushes, of a file that grows.
 *
 *   page 0       lines: 'engram-journal 1', a salt, which LMDB has, too; zeros
 *   two halves   entries, each from the beginning of a page on
 *
 *   entry        0 magic (4), 4 length of the payload (4), 8 sequence (6), 14 zeros, 16 checksum (4) of the salt
 *                and all but itself, 20 payload
 *
 * An entry counts if it is whole and its sequence is beyond what LMDB has. One half is written while what is in the
 * other is brought into LMDB; entries are never overwritten before that, and never share a page, so that a torn
 * write takes nothing that was there. Nobody outside knows the salt: what somebody sends, and what is left of it in the
 * middle of an old entry, is never taken for an entry.
 */

const MAGIC_LINE = 'engram-journal 1';
const PAGE = 4096;
const HALF = 1_048_576;
const MAGIC = 0x456e4a31;
const HEADER = 20;

const writeTo = promisify(write);
const flush = promisify(fdatasync);

/** Where a flag makes a write wait for the disk, it does so in one call. Elsewhere it may not reach the disk itself. */
const WAITING = platform() === 'linux' ? constants.O_DSYNC : 0;

export interface JournalEntry {
  readonly sequence: number;
  readonly payload: Buffer;
}

/** Writing a journal. It is made when it is first written to. */
export class Journal {
  readonly #file: string;
  readonly #random: Random;
  readonly #known: string | undefined;
  readonly #onMade: (salt: string) => void;
  #opened: { readonly handle: number; readonly salt: string } | undefined;
  #half = 0;
  #used = 0;

  /**
   * @param known the salt of the journal that belongs to LMDB's file, if there was one
   * @param onMade is to keep the salt of a new one there, before anything is written to it
   */
  constructor(file: string, random: Random, known: string | undefined, onMade: (salt: string) => void) {
    this.#file = file;
    this.#random = random;
    this.#known = known;
    this.#onMade = onMade;
  }

  /**
   * Writes an entry, and resolves when it is on the disk. False where the half has no room for it.
   *
   * @throws Error of the system: it may be on the disk, or not
   */
  async write(sequence: number, payload: Buffer): Promise<boolean> {
    const length = Math.ceil((HEADER + payload.byteLength) / PAGE) * PAGE;
    if (this.#used + length > HALF) return false;
    const { handle, salt } = (this.#opened ??= this.#open());
    const bytes = Buffer.alloc(length);
    bytes.writeUInt32BE(MAGIC, 0);
    bytes.writeUInt32BE(payload.byteLength, 4);
    bytes.writeUIntBE(sequence, 8, 6);
    payload.copy(bytes, HEADER);
    bytes.writeUInt32BE(checksum(salt, bytes, payload.byteLength), 16);
    const at = PAGE + this.#half * HALF + this.#used;
    for (let done = 0; done < length;) {
      done += (await writeTo(handle, bytes, done, length - done, at + done)).bytesWritten;
    }
    if (WAITING === 0) await flush(handle);
    this.#used += length;
    return true;
  }

  /** Goes on in the other half, whose entries LMDB has. */
  turn(): void {
    this.#half = 1 - this.#half;
    this.#used = 0;
  }

  /** Makes it, with all the space that it will ever take, where it is not there. */
  #open(): { readonly handle: number; readonly salt: string } {
    let salt = existsSync(this.#file) ? saltOf(readTitle(this.#file)) : undefined;
    if (salt === undefined || salt !== this.#known) {
      salt = uuid(this.#random);
      const title = Buffer.from([MAGIC_LINE, salt, ''].join('\n'));
      writeFileDurably(this.#file, Buffer.concat([title], PAGE + 2 * HALF));
      this.#onMade(salt);
    }
    return { handle: openSync(this.#file, constants.O_RDWR | WAITING), salt };
  }

  /** LMDB has everything: a log that is put back later must not find what came after it. */
  remove(): void {
    this.close();
    rmSync(this.#file, { force: true });
  }

  close(): void {
    if (this.#opened !== undefined) closeSync(this.#opened.handle);
    this.#opened = undefined;
  }
}

/**
 * The entries of a journal beyond a sequence, in order: what LMDB does not have.
 *
 * @param bytes the file's
 * @param known the salt of the journal that belongs to LMDB's file
 * @param isWritten whether it may have been written while it was read: then only what has nothing missing before it
 *   counts
 * @throws LogFormatError where an entry is missing, or they are of another log
 */
export function entriesAfter(
  after: number,
  bytes: Buffer,
  file: string,
  known: string | undefined,
  isWritten = false,
): JournalEntry[] {
  const salt = saltOf(bytes);
  if (salt === undefined) return [];
  const entries: JournalEntry[] = [];
  for (let at = PAGE; at + HEADER <= bytes.byteLength; at += PAGE) {
    const entry = entryAt(bytes, at, salt);
    if (entry === undefined || entry.sequence <= after) continue;
    entries.push(entry);
  }
  entries.sort((a, b) => a.sequence - b.sequence);
  const gap = entries.findIndex(({ sequence }, nth) => sequence !== after + 1 + nth);
  if (isWritten) return salt !== known ? [] : gap === -1 ? entries : entries.slice(0, gap);
  if (gap !== -1 || (entries.length > 0 && salt !== known)) {
    throw new LogFormatError(
      `${file} has later entries than the log beside it, and not all of them. If the log was put back to an earlier state, delete the journal; else restore both from a backup.`,
    );
  }
  return entries;
}

function entryAt(bytes: Buffer, at: number, salt: string): JournalEntry | undefined {
  if (bytes.readUInt32BE(at) !== MAGIC) return undefined;
  const length = bytes.readUInt32BE(at + 4);
  const entry = bytes.subarray(at, at + HEADER + length);
  if (entry.byteLength < HEADER + length || entry.readUInt32BE(16) !== checksum(salt, entry, length))
    return undefined;
  return { sequence: entry.readUIntBE(8, 6), payload: entry.subarray(HEADER) };
}

function checksum(salt: string, entry: Buffer, length: number): number {
  return crc32(entry.subarray(HEADER, HEADER + length), crc32(entry.subarray(0, 16), crc32(salt)));
}

function saltOf(page: Buffer): string | undefined {
  const [magic, salt] = page.toString('latin1', 0, PAGE).split('\n');
  return magic === MAGIC_LINE ? salt : undefined;
}

function readTitle(file: string): Buffer {
  const handle = openSync(file, 'r');
  try {
    const page = Buffer.alloc(PAGE);
    readSync(handle, page, 0, PAGE, 0);
    return page;
  } finally {
    closeSync(handle);
  }
}
