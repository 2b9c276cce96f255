import { join } from 'node:path';
import { open } from 'lmdb';
import { LmdbLog } from '../../src/log/lmdb.js';
import { positionKey } from '../../src/log/lmdb-format.js';
import { RecordLog } from '../../src/log/record-log.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { systemRandom } from '../../src/runtime/random.js';
import type { LogHarness } from '../contracts/log/tools.js';
import { temporaryFolder } from './folder.js';
import { ManualClock } from './manual-clock.js';

/** An embedded log in a folder of its own, under a clock that stands until it is moved. */
export function lmdbHarness(): LogHarness & {
  readonly folder: string;
  readonly keys: SealKeys;
  /** Changes a byte of what is stored at a position. The log is closed meanwhile. */
  corrupt(position: number): Promise<void>;
} {
  const parent = temporaryFolder();
  const folder = join(parent.path, 'log');
  const keys = SealKeys.open(join(parent.path, 'keys'), systemRandom);
  const clock = new ManualClock();
  return {
    folder,
    keys,
    open: async (wrap) => {
      const raw = new LmdbLog({ folder, clock, random: systemRandom, mapSize: 1_048_576 });
      return new RecordLog(wrap?.(raw) ?? raw, { keys, random: systemRandom });
    },
    corrupt: async (position) => {
      const root = open<Buffer, Buffer>(join(folder, 'log.mdb'), {
        noSubdir: true,
        maxDbs: 8,
        overlappingSync: false,
      });
      const records = root.openDB<Buffer, Buffer>('records', { encoding: 'binary', keyEncoding: 'binary' });
      const bytes = records.getBinary(positionKey(position));
      if (bytes === undefined) throw new Error(`Nothing is stored at ${position}.`);
      // In the data, which comes last.
      const at = bytes.byteLength - 20;
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      records.putSync(positionKey(position), bytes);
      await root.close();
    },
    maxAge: 60,
    advance: async (milliseconds) => {
      clock.advance(milliseconds);
    },
    dispose: async () => {
      parent.remove();
    },
  };
}
