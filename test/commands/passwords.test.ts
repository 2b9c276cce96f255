import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { checkPassword, hashPassword } from '../../src/commands/passwords.js';

/** The time of each of some checks, in milliseconds, the median of them. */
async function medianTime(hash: string | undefined, password: string): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < 9; n++) {
    const began = performance.now();
    await checkPassword(hash, password);
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[4] ?? 0;
}

describe('passwords', () => {
  it('are hashed with argon2id, each with a salt of its own', async () => {
    const [one, two] = [await hashPassword('secret'), await hashPassword('secret')];
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect([await checkPassword(one, 'secret'), await checkPassword(one, 'Secret')]).toEqual([true, false]);
    expect(await checkPassword(undefined, '')).toBe(false);
  });

  it('take as long to check where there is no account', async () => {
    const hash = await hashPassword('secret');
    await checkPassword(undefined, 'wrong');
    const [there, nobody] = [await medianTime(hash, 'wrong'), await medianTime(undefined, 'wrong')];
    // Without the work in vain it would be a hundredth.
    expect(nobody / there).toBeGreaterThan(0.3);
    expect(nobody / there).toBeLessThan(3);
  });

  it('are hashed beside the event loop, and no more than some wait', async () => {
    const checks = Array.from({ length: 210 }, () => hashPassword('secret').catch((error: unknown) => error));
    let turns = 0;
    const done = Promise.all(checks);
    const ended = done.then(() => true);
    while (!(await Promise.race([ended, setImmediate(false)]))) turns++;
    const refused = (await done).filter((result) => typeof result !== 'string');
    expect(refused).toHaveLength(8);
    expect(refused[0]).toMatchObject({ code: 'M_LIMIT_EXCEEDED', fields: { retry_after_ms: 2000 } });
    expect(turns).toBeGreaterThan(100);
  });
});
