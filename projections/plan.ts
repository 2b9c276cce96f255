import type { Log } from '../src/log/log.js';
import { START } from '../src/log/position.js';
import type { ReadStore } from '../src/read-models/store.js';
import { Lane } from './fold.js';
import { codeVersion, inGeneration } from './generations.js';
import type { Projection } from './projection.js';

/** What a runner needs of the log: it reads, and that is all. */
export type LogReader = Pick<Log, 'epoch' | 'head' | 'readAll' | 'subscribe'>;

/** Which projections serve already and which are to be built beside what serves. */
export interface Plan {
  readonly live: Lane[];
  readonly building: Lane[];
}

/**
 * Sees how far the store is. What was built from another history (epoch) is void, and dropped at once: its
 * documents are wrong, where those of another version are only of another shape. A version serves on if it served,
 * and at once if there is nothing to build it from.
 */
export async function plan(
  log: LogReader,
  store: ReadStore,
  projections: readonly Projection[],
): Promise<Plan> {
  const names = new Set(projections.map((projection) => projection.name));
  for (const { projection, version, epoch } of await store.checkpoints()) {
    if (names.has(projection) && epoch !== log.epoch) await store.drop(projection, version);
  }
  const serving = new Map((await store.serving()).map(({ projection, version }) => [projection, version]));
  const live: Lane[] = [];
  const building: Lane[] = [];
  for (const code of projections) {
    const served = serving.get(code.name);
    const isServed = served !== undefined && codeVersion(served) === code.version;
    const projection = isServed ? inGeneration(code, served) : code;
    const { name, version } = projection;
    const checkpoint = await store.checkpoint(name, version);
    const lane = new Lane(projection, checkpoint?.position ?? START);
    if (isServed || lane.position >= log.head) live.push(lane);
    else building.push(lane);
  }
  for (const lane of live) await serve(store, lane);
  return { live, building };
}

/** Switches queries to a lane's version. */
export async function serve(store: ReadStore, { projection }: Lane): Promise<void> {
  await store.serve(projection.name, projection.version);
}

/** Drops what is there of other versions of a lane's projection, half-built ones too. */
export async function dropOthers(store: ReadStore, { projection }: Lane): Promise<void> {
  for (const checkpoint of await store.checkpoints()) {
    if (checkpoint.projection === projection.name && checkpoint.version !== projection.version) {
      await store.drop(checkpoint.projection, checkpoint.version);
    }
  }
}
