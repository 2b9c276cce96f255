import { eventStoreDbHarness, onEventStoreDb } from '../support/eventstoredb.js';
import { lmdbHarness } from '../support/lmdb-log.js';
import { logCopyContract } from './log-copy.js';

onEventStoreDb('on a server', (url) => {
  const embedded = async () => lmdbHarness();
  const server = async () => eventStoreDbHarness(url);
  logCopyContract('from lmdb to eventstoredb', embedded, server);
  logCopyContract('from eventstoredb to lmdb', server, embedded);
  logCopyContract('from eventstoredb to eventstoredb', server, server);
});
