import { eventStoreDbHarness, onEventStoreDb } from '../support/eventstoredb.js';
import { logContract } from './log.js';

onEventStoreDb('on a server', (url) => {
  logContract('eventstoredb', async () => eventStoreDbHarness(url));
});
