import { fold, Lane, slices } from '../../projections/fold.js';
import { START } from '../../src/log/position.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import { MemoryLog } from '../support/memory-log.js';
import { created, diary, directory, profile } from './made-up.js';

/** The history that the child folds and its parent compares with: always the same. */
export function history(): MemoryLog {
  const log = new MemoryLog({ batchSize: 37 });
  for (let i = 0; i < 1500; i++) {
    log.append(
      [created(`#${(i * 7) % 200}`, `!${i % 5}`), profile(i % 100 === 3 ? { broken: i } : {})],
      1 + (i % 3),
    );
  }
  return log;
}

/** Folds from the checkpoints on, says each position that is written, and waits to be killed. */
async function main(folder: string): Promise<void> {
  const log = history();
  const store = openLmdbReadStore(folder);
  const lanes: Lane[] = [];
  for (const projection of [directory(), diary]) {
    const checkpoint = await store.checkpoint(projection.name, projection.version);
    lanes.push(new Lane(projection, checkpoint?.position ?? START));
  }
  const after = Math.min(...lanes.map((lane) => lane.position));
  for await (const batch of log.readAll({ after })) {
    for (const slice of slices(batch, 10)) {
      await fold(store, log.epoch, lanes, slice, () => undefined);
      process.send?.(slice.position);
    }
  }
  process.send?.('done');
  setInterval(() => undefined, 1000);
}

const [, file, folder] = process.argv;
if (folder !== undefined && file?.endsWith('kill-child.js') === true) await main(folder);
