// A process that appends to an embedded log until it is killed, and says on its standard output what was
// acknowledged: `<stream> <revision>`, a line each. `node log-writer.js FOLDER KEYS [PADDING]`
import { writeSync } from 'node:fs';
import { openLmdbLog } from '../../src/log/lmdb.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { systemClock } from '../../src/runtime/clock.js';
import { systemRandom, uuid } from '../../src/runtime/random.js';

const [folder = '', keyFile = '', padding = '10'] = process.argv.slice(2);
const keys = SealKeys.open(keyFile, systemRandom);
const log = await openLmdbLog({ folder, clock: systemClock, random: systemRandom, keys });
writeSync(1, 'open\n');

async function write(stream: string): Promise<void> {
  let revision = await log.revision(stream);
  for (;;) {
    const records = Array.from({ length: 3 }, (_, i) => ({
      id: uuid(systemRandom),
      type: 'profile.changed' as const,
      version: 1 as const,
      data: {
        fields: { displayname: `${stream} ${revision + 1 + i}`, padding: 'x'.repeat(Number(padding)) },
      },
      metadata: { correlation_id: 'c', received_at: 1 },
    }));
    try {
      revision = (await log.append(stream, revision, records)).revision;
    } catch (error) {
      // What a caller would be told; the process lives on, and reads still work.
      const unknown =
        error instanceof Error && 'outcomeUnknown' in error ? String(error.outcomeUnknown) : '-';
      writeSync(
        1,
        `refused ${error instanceof Error ? error.name : '?'} ${unknown} ${await log.revision(stream)}\n`,
      );
      return;
    }
    writeSync(1, `${stream} ${revision}\n`);
  }
}

await Promise.all(['a', 'b', 'c', 'd'].map(write));
await log.close();
