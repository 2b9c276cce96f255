import { randomBytes } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';

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

/** The connection string with another database. */
export function withDatabase(url: string, name: string): string {
  const [, start = '', query = ''] = /^([^:]*:\/\/[^/?]*)(?:\/[^?]*)?(\?.*)?$/.exec(url) ?? [];
  return `${start}/${name}${query}`;
}
