import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a small file of mode 0600, all or nothing and on disk when it returns: beside it, fsync, rename, fsync of the
 * folder. What a process that died has left beside it is overwritten. Costs two flushes.
 */
export function writeFileDurably(file: string, bytes: Uint8Array): void {
  const beside = `${file}.new`;
  const to = openSync(beside, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.byteLength;) at += writeSync(to, bytes, at);
    fsyncSync(to);
  } finally {
    closeSync(to);
  }
  renameSync(beside, file);
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
