import { logContract } from './log.js';
import { lmdbHarness } from '../support/lmdb-log.js';

logContract('lmdb', async () => lmdbHarness());
