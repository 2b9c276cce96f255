import { describe, expect, test } from 'vitest';
import { ProcessedPositions } from '../../projections/positions.js';
import { ReadModelsBehindError } from '../../src/read-models/errors.js';
import { ReadBarrier } from '../../src/queries/wait.js';
import { ManualClock } from '../support/manual-clock.js';
import { until } from '../support/until.js';

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

  test('of one process of several asks the log for its end, once for all who come meanwhile', async () => {
    const positions = new ProcessedPositions(new ManualClock());
    let end = 5;
    const asked: (() => void)[] = [];
    const barrier = new ReadBarrier(positions, async () => {
      const answer = end;
      await new Promise<void>((resolve) => asked.push(resolve));
      return answer;
    });
    positions.publish(5);
    const first = barrier.reached(0);
    // What the first call was told may lack what was appended since: these wait for the next one.
    end = 7;
    const later = [barrier.reached(0), barrier.reached(0)];
    expect(asked).toHaveLength(1);
    asked.shift()?.();
    await first;
    await until(() => asked.length === 1);
    asked.shift()?.();
    for (const one of await Promise.allSettled(later)) {
      expect(one).toMatchObject({ status: 'rejected', reason: { wanted: 7, processed: 5 } });
    }
    const last = barrier.reached(0);
    positions.publish(7);
    await until(() => asked.length === 1);
    asked.shift()?.();
    await last;
  });
});
