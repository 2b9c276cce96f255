import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scratch } from '../audit/replay.js';
import { LmdbRoomState } from '../room-state/lmdb.js';

/**
 * Runs with a store of state nodes and places in a temporary folder, on disk so that its size does not matter, and
 * removes it afterwards.
 */
export async function withScratch<T>(run: (scratch: Scratch) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'engram-audit-'));
  let failure: Error | undefined;
  const scratch = new LmdbRoomState(folder, (error) => {
    failure ??= error instanceof Error ? error : new Error(String(error));
  });
  try {
    const result = await run(scratch);
    if (failure !== undefined) throw failure;
    return result;
  } finally {
    await scratch.close();
    await rm(folder, { recursive: true, force: true });
  }
}
