import { describe, expect, test } from 'vitest';
import { ProcessedPositions } from '../../projections/positions.js';
import { ReadModelsBehindError } from '../../src/read-models/errors.js';
import { ReadBarrier } from '../../src/queries/wait.js';
import { ManualClock } from '../support/manual-clock.js';

describe('the read barrier', () => {
  test('lets reads through when what was acknowledged can be read', async () => {
    const clock = new ManualClock();
    const positions = new ProcessedPositions(clock);
    const barrier = new ReadBarrier(positions);
    await barrier.reached(0);
    barrier.acknowledged(7);
    barrier.acknowledged(3);
    expect(barrier.position).toBe(7);
    const read = barrier.reached(1000);
    positions.publish(6);
    barrier.acknowledged(9);
    positions.publish(7);
    await read;
    const later = barrier.reached(1000);
    clock.advance(1000);
    await expect(later).rejects.toMatchObject({ wanted: 9, processed: 7 });
    await expect(barrier.reached(0)).rejects.toBeInstanceOf(ReadModelsBehindError);
  });
});
