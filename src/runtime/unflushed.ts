import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { writeFileDurably } from './durable-file.js';
import { bootName } from './lmdb-check.js';

/*
 * A file of what is derived from the log can be left to the system, to be written to the disk when it likes: that
 * costs nothing, and loses nothing when a process is killed. Only where the machine itself ended, nobody knows what of
 * the file got there. A mark beside it tells whoever opens it next; what is derived is then made again.
 */

const markOf = (file: string) => `${file}-unflushed`;

/** What is wrong with the file where the machine ended before it was flushed, in words that go on after its name. */
export function lossOf(file: string): string | undefined {
  const mark = readMark(file);
  return mark === undefined || mark === bootName()
    ? undefined
    : 'was not flushed before the machine ended, and may be anything';
}

/**
 * Marks a file that will not be flushed from now on. False where one run of the machine cannot be told from another:
 * then it has to be flushed. One process at a time may have it open so.
 */
export function leaveUnflushed(file: string): boolean {
  const boot = bootName();
  if (boot === undefined) return false;
  // On the disk before anything of the file is.
  if (readMark(file) !== boot) writeFileDurably(markOf(file), Buffer.from(boot));
  return true;
}

/** Flushes a file that others have open. */
export async function flushBeside(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Flushes the file, if it was not, and takes the mark away. */
export function flushLeft(file: string): void {
  if (readMark(file) === undefined) return;
  const handle = openSync(file, 'r+');
  try {
    fdatasyncSync(handle);
  } finally {
    closeSync(handle);
  }
  rmSync(markOf(file));
}

function readMark(file: string): string | undefined {
  try {
    return readFileSync(markOf(file), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
