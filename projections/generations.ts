import type { Serving } from '../src/read-models/store.js';
import type { Projection } from './projection.js';

/**
 * The same version of a projection can be built a second time beside itself: under a generation of the version,
 * which is what the store knows it by. The first generation is the version's own number.
 */
const GENERATION = 2 ** 20;

/** The version of the code that a stored version is a generation of. */
export function codeVersion(stored: number): number {
  return stored % GENERATION;
}

/** The projection as the store knows it, in a certain generation. */
export function inGeneration(projection: Projection, stored: number): Projection {
  if (stored === projection.version) return projection;
  const { name, collections, handles } = projection;
  return {
    name,
    version: stored,
    collections,
    handles,
    evolve: (record, documents) => projection.evolve(record, documents),
  };
}

/** The projection in the generation after the one that it is in. */
export function nextGeneration(projection: Projection): Projection {
  return inGeneration(projection, projection.version + GENERATION);
}

/** The projections in generations that do not serve: after those that do, where these are of the code's version. */
export function besideServing(projections: readonly Projection[], serving: readonly Serving[]): Projection[] {
  const versions = new Map(serving.map(({ projection, version }) => [projection, version]));
  return projections.map((code) => {
    const served = versions.get(code.name);
    const isCurrent = served !== undefined && codeVersion(served) === code.version;
    return isCurrent ? nextGeneration(inGeneration(code, served)) : code;
  });
}
