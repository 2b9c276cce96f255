import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFileDurably, writeFileDurably } from '../runtime/durable-file.js';
import { CliError } from './io.js';

/** A server's keys: files by name. */
export type Keys = ReadonlyMap<string, Buffer>;

export const SEAL_KEY = 'seal.key';
/** What is being written, or was when a process was killed. */
const UNFINISHED = /\.new$/;

/** The keys in a folder. @throws CliError where the key that a log's content is sealed with is not among them */
export function readKeys(folder: string): Keys {
  if (!existsSync(join(folder, SEAL_KEY))) {
    throw new CliError(
      `${join(folder, SEAL_KEY)} is missing, and the log's content is sealed with it: --config has to be that of its server.`,
    );
  }
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !UNFINISHED.test(entry.name))
    .map(({ name }) => name)
    .sort();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

/** Whether both are the same to the byte. */
export function areSameKeys(one: Keys, other: Keys): boolean {
  if (one.size !== other.size) return false;
  for (const [name, bytes] of one) if (other.get(name)?.equals(bytes) !== true) return false;
  return true;
}

/** @throws CliError where a folder has other keys: what is sealed with them could never be opened again */
export function refuseOtherKeys(folder: string, keys: Keys): void {
  for (const [name, bytes] of keys) {
    const file = join(folder, name);
    if (!existsSync(file) || readFileSync(file).equals(bytes)) continue;
    throw new CliError(
      `${file} is the key of another server, and there is no log with it: copy to another folder.`,
    );
  }
}

/**
 * Puts keys into a folder, each on disk as a whole before this returns. What was there is overwritten: keys that were
 * destroyed since are to be found nowhere.
 */
export function writeKeys(folder: string, keys: Keys): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, bytes] of keys) {
    const file = join(folder, name);
    if (!existsSync(file)) writeFileDurably(file, bytes);
    else if (!readFileSync(file).equals(bytes)) replaceFileDurably(file, bytes);
  }
}
