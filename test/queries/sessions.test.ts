import { describe, expect, test } from 'vitest';
import { Notifier } from '../../src/queries/notifier.js';
import type { ReadSide } from '../../src/queries/read-side.js';
import { Sessions, type Session } from '../../src/queries/sessions.js';

const ALICE: Session = { user_id: '@alice:here', device_id: 'PHONE', kind: 'user' };

/** A read side of which only what is asked about sessions is there: `read` says what the store has now. */
function sessions(read: () => Promise<Session | undefined>): { sessions: Sessions; notifier: Notifier } {
  const notifier = new Notifier();
  const side = {
    notifier,
    barrier: { isShared: false, reached: () => Promise.resolve() },
    positions: { processed: 0 },
    store: { collection: () => ({ get: read }) },
  };
  const unasked = () => Promise.reject(new Error('The log was asked.'));
  return { notifier, sessions: new Sessions(side as object as ReadSide, unasked) };
}

const happensTo = (notifier: Notifier, ...users: string[]) => {
  notifier.notify({ rooms: new Set(), users: new Set(users) });
};

describe('sessions', () => {
  test('are read once, until something happens to their user', async () => {
    let reads = 0;
    const { sessions: found, notifier } = sessions(async () => (reads++ < 2 ? ALICE : undefined));
    expect(await found.byAccessToken('hash', 'token')).toEqual(ALICE);
    expect(await found.byAccessToken('hash', 'token')).toEqual(ALICE);
    happensTo(notifier, '@bob:here');
    expect(await found.byAccessToken('hash', 'token')).toEqual(ALICE);
    expect(reads).toBe(1);
    happensTo(notifier, '@alice:here');
    expect(await found.byAccessToken('hash', 'token')).toEqual(ALICE);
    expect(reads).toBe(2);
    happensTo(notifier, '@alice:here');
    expect(await found.byAccessToken('hash', 'token')).toBeUndefined();
  });

  test('that were being read when something happened are read again', async () => {
    let answer = (_: Session | undefined): void => undefined;
    const { sessions: found, notifier } = sessions(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const first = found.byAccessToken('hash', 'token');
    happensTo(notifier, '@alice:here');
    answer(ALICE);
    expect(await first).toEqual(ALICE);
    const second = found.byAccessToken('hash', 'token');
    answer(undefined);
    // Once more, after waiting for what was acknowledged.
    await Promise.resolve();
    await Promise.resolve();
    answer(undefined);
    expect(await second).toBeUndefined();
  });
});
