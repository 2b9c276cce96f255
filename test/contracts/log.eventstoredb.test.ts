import { test } from 'vitest';
import { EVENTSTOREDB_URL, eventStoreDbHarness, NO_EVENTSTOREDB } from '../support/eventstoredb.js';
import { logContract } from './log.js';

const url = EVENTSTOREDB_URL;
if (url === undefined) test.skip(`the log, by eventstoredb (${NO_EVENTSTOREDB})`);
else logContract('eventstoredb', async () => eventStoreDbHarness(url));
