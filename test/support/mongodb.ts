import { randomBytes } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import { openGate, type TcpGate } from './tcp-gate.js';

/** The MongoDB server that the test run names, if any. */
export const MONGODB_URL = process.env['ENGRAM_TEST_MONGODB_URL'] ?? '';

/** Added to the names of tests that are skipped without it. */
export const NO_MONGODB = MONGODB_URL === '' ? ' (skipped: ENGRAM_TEST_MONGODB_URL names no server)' : '';

/** A database of the test's own on that server. */
export interface TestDatabase {
  /** The connection string that names it. */
  readonly url: string;
  readonly db: Db;
  /** Deletes it. */
  remove(): Promise<void>;
}

export async function testDatabase(): Promise<TestDatabase> {
  const name = `engram-test-${randomBytes(6).toString('hex')}`;
  const client = new MongoClient(MONGODB_URL);
  const db = client.db(name);
  return {
    url: withDatabase(MONGODB_URL, name),
    db,
    async remove() {
      await db.dropDatabase();
      await client.close();
    },
  };
}

/** The connection string with another database, by the same user. */
export function withDatabase(url: string, name: string): string {
  const [, start = '', database = '', query = ''] =
    /^([^:]*:\/\/[^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url) ?? [];
  const options = new URLSearchParams(query);
  // A user is of the database that the URL names, unless it says otherwise.
  if (start.includes('@') && !options.has('authSource')) options.set('authSource', database || 'admin');
  return `${start}/${name}?${options.toString()}`;
}

/** A way to the server, which is on this machine, that can be cut, and the connection string that takes it. */
export async function gateToMongo(
  url: string,
  options: Readonly<Record<string, string>> = {},
): Promise<{ readonly gate: TcpGate; readonly url: string }> {
  const through = new URL(url.replace(/^mongodb:/, 'http:'));
  const gate = await openGate(through.port === '' ? 27017 : Number(through.port));
  through.host = `127.0.0.1:${gate.port}`;
  // What a replica set says of its members would lead past the gate.
  through.searchParams.delete('replicaSet');
  const all = { directConnection: 'true', ...options };
  for (const [option, value] of Object.entries(all)) through.searchParams.set(option, value);
  return { gate, url: through.href.replace(/^http:/, 'mongodb:') };
}
