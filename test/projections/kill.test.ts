import { fork } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rebuild } from '../../projections/rebuild.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import { compiled } from '../support/compiled.js';
import { temporaryFolder } from '../support/folder.js';
import { dumpProjection } from '../support/projections.js';
import { history } from './kill-child.js';
import { diary, directory } from './made-up.js';

const KILLS = 4;

let program: ReturnType<typeof compiled>;

beforeAll(() => {
  program = compiled(['src', 'projections', 'test/support', 'test/projections']);
});

afterAll(() => {
  program.remove();
});

/** Runs the child until it has written so many times (or all); gives the last position that it told of. */
function runAndKill(folder: string, writes: number): Promise<{ last: number; done: boolean }> {
  return new Promise((resolve, reject) => {
    const child = fork(join(program.path, 'test/projections/kill-child.js'), [folder]);
    let last = -1;
    let done = false;
    let told = 0;
    child.on('message', (message) => {
      if (typeof message === 'number') last = message;
      else done = true;
      if (done || ++told === writes) child.kill('SIGKILL');
    });
    child.on('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve({ last, done });
      else reject(new Error(`The child ended by itself with code ${code ?? 'none'}.`));
    });
  });
}

test('a process that is killed with -9 loses nothing that it has written, and goes on to the same documents', async () => {
  const [folder, other] = [temporaryFolder(), temporaryFolder()];
  const log = history();
  let done = false;
  for (let kill = 1; !done; kill++) {
    const run = await runAndKill(folder.path, kill > KILLS ? Infinity : 5 + ((kill * 17) % 40));
    done = run.done;
    const store = openLmdbReadStore(folder.path);
    const checkpoints = await store.checkpoints();
    await store.close();
    expect(new Set(checkpoints.map(({ position }) => position)).size).toBe(1);
    expect(checkpoints[0]?.position).toBeGreaterThanOrEqual(run.last);
    expect(kill).toBeLessThanOrEqual(KILLS + 1);
  }
  const [store, truth] = [openLmdbReadStore(folder.path), openLmdbReadStore(other.path)];
  await rebuild({ log, store: truth, projections: [directory(), diary] });
  for (const projection of [directory(), diary]) {
    expect(await dumpProjection(store, projection)).toEqual(await dumpProjection(truth, projection));
  }
  for (const one of [store, truth]) await one.close();
  for (const one of [folder, other]) one.remove();
});
