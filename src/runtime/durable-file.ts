import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a small file of mode 0600, all or nothing and on disk when it returns: beside it, fsync, rename, fsync of the
 * folder. Several processes may do so at once: the last one's file stays, whole. What a process that died has left
 * beside it is removed. Costs two flushes.
 */
export function writeFileDurably(file: string, bytes: Uint8Array): void {
  const beside = writeBeside(file, bytes);
  renameSync(beside, file);
  flushFolder(dirname(file));
}

/**
 * The same for a file whose old contents must not stay on the disk: they are overwritten where they lie, once the new
 * ones are there. (What a file system or a drive has copied elsewhere is beyond a program's reach.)
 */
export function replaceFileDurably(file: string, bytes: Uint8Array): void {
  const old = openSync(file, 'r+');
  try {
    const size = fstatSync(old).size;
    writeFileDurably(file, bytes);
    const zeros = Buffer.alloc(Math.min(size, 65_536));
    for (let at = 0; at < size;) at += writeSync(old, zeros, 0, Math.min(zeros.length, size - at), at);
    fsyncSync(old);
  } finally {
    closeSync(old);
  }
}

/** The same for a file that must not be there yet: of several processes one makes it. Says whether it was this one. */
export function makeFileDurably(file: string, bytes: Uint8Array): boolean {
  const beside = writeBeside(file, bytes);
  try {
    linkSync(beside, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(beside, { force: true });
    flushFolder(dirname(file));
  }
}

function writeBeside(file: string, bytes: Uint8Array): string {
  removeLeftovers(file);
  const beside = `${file}.${process.pid}.new`;
  const to = openSync(beside, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.byteLength;) at += writeSync(to, bytes, at);
    fsyncSync(to);
  } finally {
    closeSync(to);
  }
  return beside;
}

/** An old key file may hold what has been forgotten since. */
function removeLeftovers(file: string): void {
  const folder = dirname(file);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(file)}.`) || !name.endsWith('.new')) continue;
    const pid = Number(name.slice(basename(file).length + 1, -'.new'.length));
    if (!isAlive(pid)) rmSync(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** A file's name is durable when its folder is. */
export function flushFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
