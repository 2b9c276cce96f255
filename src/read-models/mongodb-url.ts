import type { MongoClientOptions } from 'mongodb';

/** Where the URL names no database. */
const DATABASE = 'engram';

/** Milliseconds. A URL may say otherwise, under the same names. */
const TIMES = {
  serverSelectionTimeoutMS: 5000,
  connectTimeoutMS: 5000,
  waitQueueTimeoutMS: 10_000,
  socketTimeoutMS: 15_000,
  heartbeatFrequencyMS: 2000,
} as const;

/** How long a write waits to be on most members of a replica set (milliseconds). */
const WRITE_TIMEOUT = 10_000;

/** What could give a secret away, of the options that a URL may have. */
const SECRET_OPTIONS = new Set(['tlscertificatekeyfilepassword', 'authmechanismproperties', 'proxypassword']);

/** The database that a URL names. */
export function databaseIn(url: string): string {
  const [, path = ''] = /^[^:]*:\/\/[^/?]*\/([^?]*)/.exec(url) ?? [];
  return path === '' ? DATABASE : decoded(path);
}

/**
 * How the driver is used: what the adapter relies on, and within which times it gives up, unless the URL says.
 *
 * Reads are of the primary as it is, writes are on the disks of most members before they are answered: so what was
 * answered is read, and is there after any failover.
 */
export function clientOptions(url: string): MongoClientOptions {
  const given = new Set([...optionsIn(url)].map(([name]) => name.toLowerCase()));
  const times = Object.entries(TIMES).filter(([name]) => !given.has(name.toLowerCase()));
  return {
    ...Object.fromEntries(times),
    ...(given.has('appname') ? {} : { appName: 'engram' }),
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: WRITE_TIMEOUT },
    readConcern: { level: 'local' },
    readPreference: 'primary',
  };
}

/** A text of the driver's without what the URL keeps secret, for logs and people. */
export function withoutSecrets(text: string, url: string): string {
  let clean = text.replaceAll(/mongodb(?:\+srv)?:\/\/[^\s"'`]*/gi, 'mongodb://…');
  for (const secret of secretsIn(url)) clean = clean.replaceAll(secret, '…');
  return clean;
}

/** Whether a URL has anything to keep secret, or may have: it may not be well-formed. */
export function hasSecrets(url: string): boolean {
  return url.includes('@') || secretsIn(url).length > 0;
}

/** Longest first, since one may be part of another. */
function secretsIn(url: string): string[] {
  const [, , password = ''] = /^[^:]*:\/\/([^:@]*):(.*)@/.exec(url) ?? [];
  const values = [...optionsIn(url)].filter(([name]) => SECRET_OPTIONS.has(name.toLowerCase()));
  const secrets = [password, ...values.map(([, value]) => value)].filter((secret) => secret !== '');
  return [...new Set(secrets.flatMap((secret) => [secret, decoded(secret)]))].sort(
    (a, b) => b.length - a.length,
  );
}

function optionsIn(url: string): URLSearchParams {
  const at = url.lastIndexOf('?');
  return new URLSearchParams(at === -1 ? '' : url.slice(at + 1));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
