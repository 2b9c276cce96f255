import { CheckpointConflictError, ReadStoreFormatError } from './errors.js';
import type { Checkpoint, CollectionDefinition, Serving } from './store.js';

/*
 * What a MongoDB read store knows of itself is one document, which is changed by compare-and-set on its revision. Here
 * is what it holds, and how it changes, as values: no server is asked.
 */

/** A collection of the catalogue, as far as the store is concerned. */
export interface Shape {
  readonly projection: string;
  readonly name: string;
  readonly indexes: readonly string[];
}

/** A version of a projection that has been written. */
export interface StoredVersion {
  readonly projection: string;
  readonly version: number;
  /** Part of the names of its collections, and given once: what is left of a dropped version never comes back. */
  readonly id: number;
  /** Null until its first write is finished. */
  readonly checkpoint: { readonly position: number; readonly epoch: string } | null;
  readonly collections: readonly Omit<Shape, 'projection'>[];
}

/** A write that is committed and not finished: its journal has to be done, by whoever finds it. */
export interface PendingWrite {
  readonly journal: string;
  /** How many documents the journal has. */
  readonly parts: number;
  readonly checkpoints: readonly Checkpoint[];
}

export interface State {
  /** Random, given when the database was begun: tells it from one that took its place. */
  readonly instance: string;
  /** Raised by every change. */
  readonly revision: number;
  /** Raised by changes of what leads to a collection: `serving`, and `versions` but for their checkpoints. */
  readonly layout: number;
  readonly nextId: number;
  readonly versions: readonly StoredVersion[];
  readonly serving: readonly Serving[];
  readonly pending: readonly PendingWrite[];
}

/** What a write wants of the state. */
export interface Commit {
  readonly checkpoints: readonly { readonly next: Checkpoint; readonly expected: number }[];
  /** The collections that it writes, each once. */
  readonly collections: readonly (Shape & { readonly version: number })[];
  /** Undefined where it writes no document. */
  readonly journal: Omit<PendingWrite, 'checkpoints'> | undefined;
}

type Named = Pick<Serving, 'projection' | 'version'>;

export function emptyState(instance: string): State {
  return { instance, revision: 0, layout: 0, nextId: 1, versions: [], serving: [], pending: [] };
}

export function shapeOf({ projection, name, indexes }: CollectionDefinition<never>): Shape {
  return { projection, name, indexes: Object.keys(indexes) };
}

/** Names a version among all. */
export function versionName({ projection, version }: Named): string {
  return `${projection}@${version}`;
}

export function storedVersion(state: State, wanted: Named): StoredVersion | undefined {
  return state.versions.find((stored) => isSame(stored, wanted));
}

export function checkpointOf(state: State, wanted: Named): Checkpoint | undefined {
  const { projection, version } = wanted;
  const found = storedVersion(state, wanted)?.checkpoint ?? undefined;
  return found && { projection, version, position: found.position, epoch: found.epoch };
}

export function checkpointsOf(state: State): Checkpoint[] {
  return state.versions.flatMap((stored) => checkpointOf(state, stored) ?? []);
}

/** The writes under way that concern any of these versions. */
export function pendingOf(state: State, versions: readonly Named[]): PendingWrite[] {
  return state.pending.filter(({ checkpoints }) =>
    checkpoints.some((checkpoint) => versions.some((version) => isSame(checkpoint, version))),
  );
}

/**
 * The name of the collection in the database; undefined where nothing has been written to it.
 *
 * @throws ReadStoreFormatError where it was written with other indexes: one that was added later lacks the documents
 *   of before
 */
export function physicalName(state: State, shape: Shape, version: number): string | undefined {
  const stored = storedVersion(state, { projection: shape.projection, version });
  const collection = stored?.collections.find(({ name }) => name === shape.name);
  if (stored === undefined || collection === undefined) return undefined;
  const { indexes } = shape;
  if (
    indexes.length !== collection.indexes.length ||
    !indexes.every((name) => collection.indexes.includes(name))
  ) {
    throw new ReadStoreFormatError(
      `Collection ${shape.name} was written with other indexes: raise its projection's version.`,
    );
  }
  return `${shape.name}@${version}.${stored.id}`;
}

/** Whether a collection of the database is of a version that is no more. */
export function isLeftOver(state: State, physical: string): boolean {
  const [, id] = /@\d+\.(\d+)$/.exec(physical) ?? [];
  return id !== undefined && !state.versions.some((stored) => stored.id === Number(id));
}

/**
 * Commits a write: its journal is pending, or, where it has none, its checkpoints are moved. Nothing of the sort while
 * other writes of the same versions are pending: these have to be completed first.
 *
 * @throws CheckpointConflictError where a checkpoint is not where it is expected
 */
export function commit(state: State, { checkpoints, collections, journal }: Commit): State | PendingWrite[] {
  const named = checkpoints.map(({ next }) => next);
  const before = pendingOf(state, named);
  if (before.length > 0) return before;
  for (const { next, expected } of checkpoints) {
    const actual = checkpointOf(state, next)?.position ?? -1;
    if (actual !== expected) throw new CheckpointConflictError(next.projection, expected, actual);
  }
  const prepared = withCollections(state, named, collections);
  if (journal === undefined) return { ...prepared, versions: moved(prepared.versions, named) };
  return { ...prepared, pending: [...prepared.pending, { ...journal, checkpoints: named }] };
}

/** The write's documents are there: its checkpoints move. Undefined where somebody else has finished it. */
export function finish(state: State, journal: string): State | undefined {
  const done = state.pending.find((pending) => pending.journal === journal);
  if (done === undefined) return undefined;
  const pending = state.pending.filter((other) => other !== done);
  return { ...state, pending, versions: moved(state.versions, done.checkpoints) };
}

/** Undefined where it serves already. */
export function serve(state: State, { projection, version }: Named): State | undefined {
  if (state.serving.some((serving) => isSame(serving, { projection, version }))) return undefined;
  const others = state.serving.filter((serving) => serving.projection !== projection);
  return { ...state, layout: state.layout + 1, serving: [...others, { projection, version }] };
}

/** Forgets a version. Not while writes of it are pending, which have to be completed first; undefined where there is none. */
export function drop(state: State, gone: Named): State | PendingWrite[] | undefined {
  const before = pendingOf(state, [gone]);
  if (before.length > 0) return before;
  return without(state, [gone]);
}

/** Gives a pending write up whose journal is lost, and with it all versions that it concerns: half of it may be there. */
export function giveUp(state: State, journal: string): State | undefined {
  const lost = state.pending.find((pending) => pending.journal === journal);
  if (lost === undefined) return undefined;
  const rest = { ...state, pending: state.pending.filter((other) => other !== lost) };
  return without(rest, lost.checkpoints) ?? rest;
}

function without(state: State, gone: readonly Named[]): State | undefined {
  const stays = (named: Named) => !gone.some((one) => isSame(one, named));
  const versions = state.versions.filter(stays);
  const serving = state.serving.filter(stays);
  if (versions.length === state.versions.length && serving.length === state.serving.length) return undefined;
  return { ...state, layout: state.layout + 1, versions, serving };
}

/** With a place for every version and collection that is about to be written. */
function withCollections(state: State, versions: readonly Named[], written: Commit['collections']): State {
  let next = state;
  for (const { projection, version } of versions) {
    const stored = storedVersion(next, { projection, version });
    const fresh = written.filter(
      (shape) =>
        shape.version === version &&
        shape.projection === projection &&
        physicalName(next, shape, version) === undefined,
    );
    if (stored !== undefined && fresh.length === 0) continue;
    const { id, checkpoint, collections } = stored ?? { id: next.nextId, checkpoint: null, collections: [] };
    const added = fresh.map(({ name, indexes }) => ({ name, indexes }));
    next = {
      ...next,
      layout: next.layout + 1,
      nextId: stored === undefined ? next.nextId + 1 : next.nextId,
      versions: [
        ...next.versions.filter((other) => other !== stored),
        { projection, version, id, checkpoint, collections: [...collections, ...added] },
      ],
    };
  }
  return next;
}

function moved(versions: readonly StoredVersion[], checkpoints: readonly Checkpoint[]): StoredVersion[] {
  return versions.map((stored) => {
    const next = checkpoints.find((checkpoint) => isSame(checkpoint, stored));
    if (next === undefined) return stored;
    return { ...stored, checkpoint: { position: next.position, epoch: next.epoch } };
  });
}

function isSame(a: Named, b: Named): boolean {
  return a.projection === b.projection && a.version === b.version;
}
