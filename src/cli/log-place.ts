import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LogPlace } from '../stores.js';
import { CliError, EXIT } from './io.js';

/** A log by its place, and the folder of the keys that its content is sealed with, where the place tells it. */
export interface NamedLog {
  readonly place: LogPlace;
  readonly keys: string | undefined;
  /** For messages: holds no password. */
  readonly name: string;
}

const SERVER = /^esdb(?:\+discover)?:\/\//;
const OTHER_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const PREFIX = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const DEFAULT_PREFIX = 'engram';

/**
 * What a person names a log by: a data folder (`/backup`, `lmdb:/backup`), whose log is in its folder `log` and whose
 * keys are in `keys`; or a connection string of EventStoreDB, where `prefix` is ours among its options.
 *
 * @throws CliError for anything else
 */
export function parseLogPlace(text: string, cwd: string): NamedLog {
  if (SERVER.test(text)) return server(text);
  const path = text.startsWith('lmdb:') ? text.slice('lmdb:'.length) : text;
  if (path === '' || OTHER_SCHEME.test(path)) {
    throw new CliError(
      `${JSON.stringify(text)} names no log: give a data folder, or esdb://HOST:PORT?prefix=PREFIX.`,
      EXIT.usage,
    );
  }
  const folder = resolve(cwd, path);
  return {
    place: { adapter: 'lmdb', folder: join(folder, 'log') },
    keys: join(folder, 'keys'),
    name: folder,
  };
}

function server(text: string): NamedLog {
  const [address = '', query = ''] = text.split('?', 2);
  const options = query.split('&').filter((option) => option !== '');
  const prefixes = options.filter((option) => option.startsWith('prefix='));
  const prefix = prefixes.at(-1)?.slice('prefix='.length) ?? DEFAULT_PREFIX;
  if (!PREFIX.test(prefix)) {
    throw new CliError(`${JSON.stringify(prefix)} cannot be a prefix of streams.`, EXIT.usage);
  }
  const rest = options.filter((option) => !option.startsWith('prefix='));
  const url = rest.length === 0 ? address : `${address}?${rest.join('&')}`;
  return named({ adapter: 'eventstoredb', url, prefix }, undefined);
}

/** A log with its name for messages. */
export function named(place: LogPlace, keys: string | undefined): NamedLog {
  if (place.adapter === 'lmdb') return { place, keys, name: resolve(place.folder, '..') };
  const [address = ''] = place.url.split('?', 1);
  return { place, keys, name: `${address.replace(/\/\/[^@/]*@/, '//')}?prefix=${place.prefix}` };
}

/** Whether two places are one. */
export function isSamePlace(one: LogPlace, other: LogPlace): boolean {
  if (one.adapter === 'lmdb') return other.adapter === 'lmdb' && real(one.folder) === real(other.folder);
  return other.adapter === 'eventstoredb' && one.url === other.url && one.prefix === other.prefix;
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // What is not there yet is nothing else's other name.
    return path;
  }
}
