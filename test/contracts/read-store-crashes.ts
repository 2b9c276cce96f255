import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CheckpointConflictError } from '../../src/read-models/errors.js';
import {
  all,
  authors,
  checkpoint,
  dump,
  ids,
  note,
  notes,
  put,
  remove,
  write,
  type Opened,
} from './read-store-notes.js';

/** More steps than any store's write of these has. */
const MANY = 100;

/** Every step of a write is tried, on servers that flush each to their disks (milliseconds). */
const PATIENCE = 180_000;

/** Writers that die in the middle of a write, and such as go on when others have taken their place. */
export function crashesContract(at: Opened): void {
  const author = (name: string, text: string) => ({
    collection: authors,
    projection: 'people',
    version: 1,
    key: [name],
    document: { name, text },
  });
  const people = (position: number) => ({ projection: 'people', version: 1, position, epoch: 'e' });
  /** Of two projections: a document replaced, one deleted, one made, one of the other. */
  const writes = [
    put(note(['a'], 2, ['blue'])),
    remove(['b']),
    put(note(['c'], 2, ['red'])),
    author('ann', 'second'),
  ];
  const steps = [
    { next: checkpoint(1), expected: 0 },
    { next: people(1), expected: 0 },
  ];

  async function begin(): Promise<void> {
    await at.store.drop('notebook', 1);
    await at.store.drop('people', 1);
    await at.store.write(
      [put(note(['a'], 1, ['red'])), put(note(['b'], 1, ['red'])), author('ann', 'first')],
      [
        { next: checkpoint(0), expected: -1 },
        { next: people(0), expected: -1 },
      ],
    );
  }

  /** Where both projections are, which is the same place. */
  async function position(): Promise<number> {
    // What another handle has just written is seen a turn of the event loop later.
    await setImmediate();
    const [ours, theirs] = [await at.store.checkpoint('notebook', 1), await at.store.checkpoint('people', 1)];
    expect(ours?.position).toBe(theirs?.position);
    return ours?.position ?? -1;
  }

  async function expectWritten(): Promise<void> {
    expect(await all(at.store)).toEqual([note(['a'], 2, ['blue']), note(['c'], 2, ['red'])]);
    expect(ids(await at.store.version(notes, 1).find({ prefix: [] }, 'by_tag'))).toEqual([['a'], ['c']]);
    expect(await at.store.version(authors, 1).find({ prefix: [] })).toEqual([
      { name: 'ann', text: 'second' },
    ]);
  }

  describe('a write that dies in the middle', { timeout: PATIENCE }, () => {
    test('is all there or not at all, for the next one to write', async () => {
      let died = true;
      for (let step = 0; died; step++) {
        expect(step).toBeLessThan(MANY);
        await begin();
        const dying = await at.harness.dying(step);
        died = await dying.write(writes, steps).then(() => false, () => true); // prettier-ignore
        at.store = await at.harness.reopen();
        // Refused where the other had written all the same, which a handle of its own may see a moment later.
        if ((await position()) === 0) await outcomeOf(at.store.write(writes, steps));
        expect(await position()).toBe(1);
        await expectWritten();
      }
    });

    test('and whose completion dies as well', async () => {
      let died = true;
      for (let step = 0; died; step++) {
        expect(step).toBeLessThan(MANY);
        let diedAgain = true;
        for (let again = 0; diedAgain; again++) {
          await begin();
          const dying = await at.harness.dying(step);
          died = await dying.write(writes, steps).then(() => false, () => true); // prettier-ignore
          const completing = await at.harness.dying(again);
          diedAgain = await completing.checkpoint('people', 1).then(() => false, () => true); // prettier-ignore
          at.store = await at.harness.reopen();
          // Refused where the other had written all the same, which a handle of its own may see a moment later.
          if ((await position()) === 0) await outcomeOf(at.store.write(writes, steps));
          await expectWritten();
        }
      }
    });
  });

  describe('a writer that was suspended', { timeout: PATIENCE }, () => {
    test('does no harm when others have gone on', async () => {
      let stopped = true;
      for (let step = 0; stopped; step++) {
        expect(step).toBeLessThan(MANY);
        await begin();
        const slow = await at.harness.suspended(step);
        const outcome = outcomeOf(slow.store.write(writes, steps));
        stopped = await Promise.race([slow.stopped.then(() => true), outcome.then(() => false)]);
        // Refused where the other had written all the same, which a handle of its own may see a moment later.
        if ((await position()) === 0) await outcomeOf(at.store.write(writes, steps));
        await at.store.write(
          [put(note(['a'], 3, ['green'])), put(note(['b'], 3)), remove(['c']), author('ann', 'third')],
          [
            { next: checkpoint(2), expected: 1 },
            { next: people(2), expected: 1 },
          ],
        );
        const expected = await dump(at.store, 1);
        slow.goOn();
        expect(['written', expect.any(CheckpointConflictError)]).toContainEqual(await outcome);
        expect(await dump(at.store, 1)).toEqual(expected);
        expect(ids(await at.store.version(notes, 1).find({ prefix: [] }, 'by_tag'))).toEqual([['a']]);
        expect(await at.store.version(authors, 1).find({ prefix: [] })).toEqual([
          { name: 'ann', text: 'third' },
        ]);
        expect(await position()).toBe(2);
      }
    });

    test('and another that stands where it stood: one of them is refused', async () => {
      let stopped = true;
      for (let step = 0; stopped; step++) {
        expect(step).toBeLessThan(MANY);
        await begin();
        const slow = await at.harness.suspended(step);
        const theirs = outcomeOf(slow.store.write(writes, steps));
        stopped = await Promise.race([slow.stopped.then(() => true), theirs.then(() => false)]);
        const ours = await outcomeOf(
          at.store.write([put(note(['a'], 'ours')), author('ann', 'ours')], steps),
        );
        slow.goOn();
        const outcomes = [ours, await theirs];
        expect(outcomes).toContain('written');
        expect(outcomes).toContainEqual(expect.any(CheckpointConflictError));
        expect(await position()).toBe(1);
        if (ours === 'written') {
          expect(await all(at.store)).toEqual([note(['a'], 'ours'), note(['b'], 1, ['red'])]);
          expect(await at.store.version(authors, 1).find({ prefix: [] })).toEqual([
            { name: 'ann', text: 'ours' },
          ]);
        } else await expectWritten();
      }
    });

    test('does no harm to a version that was begun again', async () => {
      let stopped = true;
      for (let step = 0; stopped; step++) {
        expect(step).toBeLessThan(MANY);
        await begin();
        const slow = await at.harness.suspended(step);
        const outcome = outcomeOf(slow.store.write(writes, steps));
        stopped = await Promise.race([slow.stopped.then(() => true), outcome.then(() => false)]);
        await at.store.drop('notebook', 1);
        await at.store.drop('people', 1);
        // What it still has to write would be newer than these.
        const before = await write(at.store, put(note(['z'])), put(note(['c'], 'new')));
        // Whatever else it looks at shows it the new version.
        await slow.store.checkpoints();
        slow.goOn();
        expect(['written', expect.any(CheckpointConflictError)]).toContainEqual(await outcome);
        expect(await all(at.store)).toEqual([note(['c'], 'new'), note(['z'])]);
        expect(await at.store.version(authors, 1).find({ prefix: [] })).toEqual([]);
        expect((await at.store.checkpoint('notebook', 1))?.position).toBe(before);
        expect(await at.store.checkpoint('people', 1)).toBeUndefined();
      }
    });
  });
}

function outcomeOf(writing: Promise<void>): Promise<unknown> {
  return writing.then(
    () => 'written',
    (error: unknown) => error,
  );
}
