import { expect, it } from 'vitest';
import { Courtesy } from '../../src/runtime/courtesy.js';
import { ManualClock } from '../support/manual-clock.js';

it('lets others have a turn when a piece of work was long, and only then', async () => {
  const clock = new ManualClock();
  const courtesy = new Courtesy(clock);
  let turns = 0;
  const others = () => {
    turns++;
    if (turns < 100) setImmediate(others);
  };
  setImmediate(others);
  for (let n = 0; n < 100; n++) await courtesy.turn();
  expect(turns).toBe(0);
  for (let n = 0; n < 10; n++) {
    clock.advance(5);
    await courtesy.turn();
  }
  expect(turns).toBeGreaterThanOrEqual(4);
});
