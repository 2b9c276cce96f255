import { describe, expect, test } from 'vitest';
import { CheckpointConflictError, ReadStoreFormatError } from '../../src/read-models/errors.js';
import {
  checkpointOf,
  checkpointsOf,
  commit,
  drop,
  emptyState,
  finish,
  giveUp,
  isLeftOver,
  pendingOf,
  physicalName,
  serve,
  type Commit,
  type State,
} from '../../src/read-models/mongodb-state.js';

const notes = { projection: 'notebook', name: 'notes', indexes: ['by_tag'] };
const authors = { projection: 'people', name: 'authors', indexes: [] };
const V1 = { projection: 'notebook', version: 1 };
const PEOPLE = { projection: 'people', version: 1 };

function wanted(position: number, expected: number, journal = `j${position}`, of = V1): Commit {
  const shape = of === PEOPLE ? authors : notes;
  return {
    checkpoints: [{ next: { ...of, position, epoch: 'e' }, expected }],
    collections: [{ ...shape, version: of.version }],
    journal: { journal, parts: 1 },
  };
}

/** As the state is after a commit that nothing is in the way of. */
function committed(state: State, commitment: Commit): State {
  const next = commit(state, commitment);
  if (Array.isArray(next)) throw new Error('Something is pending.');
  return next;
}

function written(state: State, position: number, expected: number, of = V1): State {
  const name = `j${of.projection}${position}`;
  const next = finish(committed(state, wanted(position, expected, name, of)), name);
  if (next === undefined) throw new Error('It was not pending.');
  return next;
}

const empty = emptyState('instance');

describe('a write', () => {
  test('is pending from its commit on, and has its checkpoint when it is finished', () => {
    const pending = committed(empty, wanted(5, -1));
    expect(pendingOf(pending, [V1])).toMatchObject([{ journal: 'j5', parts: 1 }]);
    expect(checkpointOf(pending, V1)).toBeUndefined();
    expect(checkpointsOf(pending)).toEqual([]);
    const done = finish(pending, 'j5');
    expect(done && checkpointsOf(done)).toEqual([{ ...V1, position: 5, epoch: 'e' }]);
    expect(done?.pending).toEqual([]);
  });

  test('that somebody else has finished changes nothing', () => {
    const done = written(empty, 5, -1);
    expect(finish(done, 'j5')).toBeUndefined();
  });

  test('without documents is finished at once', () => {
    const done = committed(empty, { ...wanted(5, -1), collections: [], journal: undefined });
    expect(checkpointOf(done, V1)?.position).toBe(5);
    expect(done.pending).toEqual([]);
  });

  test.each([-1, 4, 6])('that expects %i where it is 5 is refused', (expected) => {
    const done = written(empty, 5, -1);
    expect(() => commit(done, wanted(7, expected))).toThrow(CheckpointConflictError);
  });

  test('of several projections is refused as a whole', () => {
    const done = written(empty, 5, -1);
    const { checkpoints } = wanted(1, -1, 'j', PEOPLE);
    expect(() =>
      commit(done, { ...wanted(7, 4), checkpoints: [...checkpoints, ...wanted(7, 4).checkpoints] }),
    ).toThrow(CheckpointConflictError);
  });

  test('waits for one of the same version that is pending, and for no other', () => {
    const pending = committed(empty, wanted(5, -1));
    expect(commit(pending, wanted(6, 5))).toEqual(pending.pending);
    expect(commit(pending, wanted(9, -1))).toEqual(pending.pending);
    const both = committed(pending, wanted(1, -1, 'other', PEOPLE));
    expect(both.pending.map(({ journal }) => journal)).toEqual(['j5', 'other']);
    expect(finish(both, 'other')?.pending.map(({ journal }) => journal)).toEqual(['j5']);
  });
});

describe('collections', () => {
  test('are there once they are written, under a name of their own', () => {
    expect(physicalName(empty, notes, 1)).toBeUndefined();
    const one = written(empty, 1, -1);
    expect(physicalName(one, notes, 1)).toBe('notes@1.1');
    expect(physicalName(one, notes, 2)).toBeUndefined();
    const two = written(one, 1, -1, { ...V1, version: 2 });
    expect(physicalName(two, notes, 2)).toBe('notes@2.2');
    expect(written(two, 2, 1).layout).toBe(two.layout);
  });

  test('are added to a version that is there', () => {
    const one = written(empty, 1, -1);
    const more = { ...notes, name: 'more' };
    const two = committed(one, { ...wanted(2, 1), collections: [{ ...more, version: 1 }] });
    expect([physicalName(two, notes, 1), physicalName(two, more, 1)]).toEqual(['notes@1.1', 'more@1.1']);
    expect(two.layout).toBeGreaterThan(one.layout);
  });

  test('never get a name again that was dropped', () => {
    const one = written(empty, 1, -1);
    const none = drop(one, V1);
    if (none === undefined || Array.isArray(none)) throw new Error('It was not dropped.');
    expect(physicalName(none, notes, 1)).toBeUndefined();
    expect(isLeftOver(none, 'notes@1.1')).toBe(true);
    const again = written(none, 1, -1);
    expect(physicalName(again, notes, 1)).toBe('notes@1.2');
    expect([isLeftOver(again, 'notes@1.1'), isLeftOver(again, 'notes@1.2')]).toEqual([true, false]);
    expect([isLeftOver(again, 'engram'), isLeftOver(again, 'engram.journal')]).toEqual([false, false]);
  });

  test('are not taken for ones with other indexes', () => {
    const one = written(empty, 1, -1);
    for (const indexes of [[], ['by_tag', 'more'], ['other']]) {
      expect(() => physicalName(one, { ...notes, indexes }, 1)).toThrow(ReadStoreFormatError);
    }
  });
});

describe('a version', () => {
  test('serves in the place of another', () => {
    const one = serve(empty, V1);
    const two = one && serve(one, { ...V1, version: 2 });
    expect(two?.serving).toEqual([{ projection: 'notebook', version: 2 }]);
    expect(two && serve(two, { ...V1, version: 2 })).toBeUndefined();
    expect(two?.layout).toBe(2);
  });

  test('is dropped with its checkpoint, and serves no more', () => {
    const one = written(written(empty, 1, -1), 1, -1, PEOPLE);
    const none = drop(serve(serve(one, V1) ?? one, PEOPLE) ?? one, V1);
    expect(none).toMatchObject({ serving: [PEOPLE], versions: [PEOPLE] });
    expect(drop(empty, V1)).toBeUndefined();
  });

  test('is not dropped while a write of it is pending', () => {
    const pending = committed(empty, wanted(5, -1));
    expect(drop(pending, V1)).toEqual(pending.pending);
    expect(drop(pending, PEOPLE)).toBeUndefined();
  });

  test('is given up with a write whose journal is lost', () => {
    const one = written(written(empty, 1, -1), 1, -1, PEOPLE);
    const pending = committed(serve(one, V1) ?? one, wanted(2, 1, 'lost'));
    const rest = giveUp(pending, 'lost');
    expect(rest).toMatchObject({ pending: [], serving: [], versions: [PEOPLE] });
    expect(rest && giveUp(rest, 'lost')).toBeUndefined();
  });
});
