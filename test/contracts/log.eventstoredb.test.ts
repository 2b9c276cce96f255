import { eventStoreDbHarness, onEventStoreDb } from '../support/eventstoredb.js';
import { logContract } from './log.js';

onEventStoreDb('the contract of logs', (url) => {
  logContract('eventstoredb', async () => eventStoreDbHarness(url));
});
