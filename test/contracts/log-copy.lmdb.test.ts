import { logCopyContract } from './log-copy.js';
import { lmdbHarness } from '../support/lmdb-log.js';

logCopyContract(
  'from lmdb to lmdb',
  async () => lmdbHarness(),
  async () => lmdbHarness(),
);
