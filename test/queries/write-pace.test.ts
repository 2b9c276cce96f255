import { beforeEach, describe, expect, test } from 'vitest';
import { ProcessedPositions } from '../../projections/positions.js';
import { WritePace } from '../../src/queries/write-pace.js';
import { ManualClock } from '../support/manual-clock.js';

describe('the pace of commands', () => {
  let clock: ManualClock;
  let positions: ProcessedPositions;
  let pace: WritePace;

  beforeEach(() => {
    clock = new ManualClock();
    positions = new ProcessedPositions(clock);
    pace = new WritePace(positions, clock);
  });

  /** Whether a command with this position has been answered. */
  function command(position: number): { answered: boolean; readonly done: Promise<void> } {
    const state = { answered: false, done: Promise.resolve() };
    state.done = pace.keep(position).then(() => {
      state.answered = true;
    });
    return state;
  }

  test('is their own while what they do can be read soon', async () => {
    for (let position = 1; position <= 20; position++) {
      await pace.keep(position);
      clock.advance(10);
      positions.publish(position - 3);
    }
  });

  test('is that of the read models where these are behind', async () => {
    await pace.keep(1);
    clock.advance(30);
    await pace.keep(2);
    clock.advance(30);
    const third = command(3);
    await Promise.resolve();
    expect(third.answered).toBe(false);
    positions.publish(1);
    await third.done;
    expect(third.answered).toBe(true);
  });

  test('is their own where the read models stand still, until they move again', async () => {
    await pace.keep(1);
    clock.advance(60);
    const second = command(2);
    await Promise.resolve();
    expect(second.answered).toBe(false);
    clock.advance(1000);
    await second.done;
    await pace.keep(3);
    clock.advance(60);
    await pace.keep(4);
    positions.publish(1);
    const fifth = command(5);
    await Promise.resolve();
    expect(fifth.answered).toBe(false);
    positions.publish(5);
    await fifth.done;
  });

  test('remembers a bounded part of what is behind', async () => {
    await pace.keep(1);
    clock.advance(60);
    const second = command(2);
    clock.advance(1000);
    await second.done;
    for (let position = 3; position < 2000; position++) {
      clock.advance(20);
      await pace.keep(position);
    }
    // Most of it is forgotten, so the next one waits for what is remembered, and not for more.
    positions.publish(1);
    const last = command(2000);
    positions.publish(1999);
    await last.done;
  });
});
