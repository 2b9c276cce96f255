import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

/** Variables of the test run that tell a server where its stores are. */
const OF_STORES = /^ENGRAM_(?:LOG|READ_MODELS)__/;

/**
 * What a server is told about its stores: whatever the test run's environment says (`ENGRAM_LOG__*`,
 * `ENGRAM_READ_MODELS__*`), or the stores that the contract suites are run on (`ENGRAM_TEST_EVENTSTOREDB_URL`,
 * `ENGRAM_TEST_MONGODB_URL`); nothing, which is LMDB, where it says nothing. Each call names a new place in them: a
 * prefix of its own in EventStoreDB, a database of its own in MongoDB.
 */
export function namedStores(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (OF_STORES.test(name) && value !== undefined) found[name] = value;
  }
  const { ENGRAM_TEST_EVENTSTOREDB_URL: eventStore, ENGRAM_TEST_MONGODB_URL: mongo } = env;
  if (eventStore !== undefined && eventStore !== '') {
    found['ENGRAM_LOG__ADAPTER'] ??= 'eventstoredb';
    found['ENGRAM_LOG__URL'] ??= eventStore;
  }
  if (mongo !== undefined && mongo !== '') {
    found['ENGRAM_READ_MODELS__ADAPTER'] ??= 'mongodb';
    found['ENGRAM_READ_MODELS__URL'] ??= mongo;
  }
  const own = `engram-test-${randomBytes(6).toString('hex')}`;
  if (found['ENGRAM_LOG__ADAPTER'] === 'eventstoredb') found['ENGRAM_LOG__PREFIX'] = own;
  const url = found['ENGRAM_READ_MODELS__URL'];
  if (found['ENGRAM_READ_MODELS__ADAPTER'] === 'mongodb' && url !== undefined) {
    found['ENGRAM_READ_MODELS__URL'] = withDatabase(url, own);
  }
  return found;
}

/** Deletes a server's read models, wherever its variables say they are. It must not run. */
export async function deleteReadModels(env: Readonly<Record<string, string>>): Promise<void> {
  if (env['ENGRAM_READ_MODELS__ADAPTER'] !== 'mongodb') {
    rmSync(join(env['ENGRAM_DATA_DIR'] ?? '', 'read-models'), { recursive: true });
    return;
  }
  const { MongoClient } = await import('mongodb');
  const client = await MongoClient.connect(env['ENGRAM_READ_MODELS__URL'] ?? '');
  await client.db().dropDatabase();
  await client.close();
}

/** A connection string with another database: `mongodb://user@one,two/DATABASE?replicaSet=rs0`. */
function withDatabase(url: string, database: string): string {
  const [, server = url, options = ''] =
    /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(url) ?? [];
  return `${server}/${database}${options}`;
}
