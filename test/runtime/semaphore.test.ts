import { expect, it } from 'vitest';
import { Semaphore, TooManyWaitingError } from '../../src/runtime/semaphore.js';

it('lets so much run at once, in order, refuses what is too much, and goes on after failures', async () => {
  const semaphore = new Semaphore(2, 2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (n: number) =>
    semaphore.run(async () => {
      begun.push(n);
      await new Promise<void>((resolve, reject) => {
        ends.push(n === 1 ? reject : resolve);
      });
      return n;
    });
  const running = [0, 1, 2, 3].map(work);
  await expect(work(4)).rejects.toThrow(TooManyWaitingError);
  expect(begun).toEqual([0, 1]);
  ends[1]?.();
  await expect(running[1]).rejects.toBeUndefined();
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  ends[0]?.();
  await expect.poll(() => begun).toEqual([0, 1, 2, 3]);
  ends[2]?.();
  ends[3]?.();
  expect(await Promise.all([running[0], running[2], running[3]])).toEqual([0, 2, 3]);
  expect(await semaphore.run(() => Promise.resolve('free'))).toBe('free');
});
