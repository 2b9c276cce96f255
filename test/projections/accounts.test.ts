import { describe, expect, test } from 'vitest';
import { accountsProjection } from '../../projections/accounts.js';
import { accessTokens, accounts, devices, refreshTokens } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { alice, bob } from '../support/people.js';
import { projectionContract } from '../support/projections.js';
import { RecordedUser } from '../support/recorded-user.js';

/** What is there of Alice's, after her story. */
async function after(story: (user: RecordedUser) => unknown) {
  const log = new MemoryLog();
  story(new RecordedUser(log, alice));
  const found = await folded(accountsProjection, log.records);
  return {
    accounts: found.of(accounts),
    devices: found.of(devices),
    access: found.of(accessTokens),
    refresh: found.of(refreshTokens),
  };
}

const hashes = (tokens: readonly { token_hash: string }[]) =>
  tokens.map(({ token_hash }) => token_hash).sort();

describe('an account', () => {
  test('is there from its registration, with the time of that', async () => {
    const found = await after((user) => user.registers('user', true));
    const [kind, registered_at] = ['user', 1_700_000_000_000];
    const account = { user_id: alice.id, kind, admin: true, deactivated: false, registered_at, position: 0 };
    expect(found).toEqual({ accounts: [account], devices: [], access: [], refresh: [] });
  });

  test('of a guest becomes a full one', async () => {
    const found = await after((user) => {
      user.registers('guest');
      user.upgrades();
    });
    expect(found.accounts).toMatchObject([{ user_id: alice.id, kind: 'user', position: 1 }]);
  });

  test('stays when it is closed, its devices and tokens do not', async () => {
    const found = await after((user) => {
      user.registers();
      user.signsIn('A', 'a', { refresh_token_hash: 'ra' });
      user.signsIn('B', 'b');
      user.deactivates();
    });
    expect(found.accounts).toMatchObject([{ deactivated: true, kind: 'user', position: 3 }]);
    expect(found).toMatchObject({ devices: [], access: [], refresh: [] });
  });
});

describe('a device', () => {
  test('has its tokens under their hashes, as long as they last', async () => {
    const found = await after((user) => {
      user.registers('guest');
      user.signsIn('A', 'a', {
        display_name: 'Phone',
        access_token_expires_at: 5,
        refresh_token_hash: 'r',
      });
    });
    const place = { user_id: alice.id, device_id: 'A' };
    expect(found.devices).toEqual([
      {
        ...place,
        display_name: 'Phone',
        access_token_hash: 'a',
        access_token_expires_at: 5,
        refresh_token_hash: 'r',
        position: 1,
      },
    ]);
    expect(found.access).toEqual([{ token_hash: 'a', ...place, kind: 'guest', expires_at: 5, position: 1 }]);
    expect(found.refresh).toEqual([{ token_hash: 'r', ...place, position: 1 }]);
  });

  test('that signs in again keeps its name and loses all earlier tokens', async () => {
    const found = await after((user) => {
      user.registers();
      user.signsIn('A', 'a1', { display_name: 'Phone', refresh_token_hash: 'r1' });
      user.refreshes('A', 'r1', 'a2', 'r2');
      user.signsIn('B', 'b');
      user.signsIn('A', 'a3', { refresh_token_hash: 'r3' });
    });
    expect(found.devices).toMatchObject([{ device_id: 'A', display_name: 'Phone' }, { device_id: 'B' }]);
    expect(hashes(found.access)).toEqual(['a3', 'b']);
    expect(hashes(found.refresh)).toEqual(['r3']);
  });

  test('is renamed, or loses its name', async () => {
    const named = await after((user) => {
      user.registers();
      user.signsIn('A', 'a', { display_name: 'Phone' });
      user.signsIn('B', 'b', { display_name: 'Tablet' });
      user.signsIn('C', 'c', { display_name: 'Desk' });
      user.renames('A', 'My phone');
      user.renames('B', null);
      user.renames('C', undefined);
      user.renames('gone', 'Ghost');
    });
    expect(named.devices.map(({ device_id, display_name }) => [device_id, display_name])).toEqual([
      ['A', 'My phone'],
      ['B', undefined],
      ['C', undefined],
    ]);
  });

  test('is signed out alone', async () => {
    const found = await after((user) => {
      user.registers();
      user.signsIn('A', 'a', { refresh_token_hash: 'ra' });
      user.signsIn('B', 'b', { refresh_token_hash: 'rb' });
      user.refreshes('A', 'ra', 'a2', 'ra2');
      user.signsOut('A', 'unknown');
    });
    expect(found.devices).toMatchObject([{ device_id: 'B' }]);
    expect(hashes(found.access)).toEqual(['b']);
    expect(hashes(found.refresh)).toEqual(['rb']);
  });
});

describe('refreshing', () => {
  test('voids the access token before, and keeps the used refresh token findable', async () => {
    const found = await after((user) => {
      user.registers();
      user.signsIn('A', 'a1', { display_name: 'Phone', refresh_token_hash: 'r1' });
      user.refreshes('A', 'r1', 'a2', 'r2');
    });
    expect(hashes(found.access)).toEqual(['a2']);
    expect(hashes(found.refresh)).toEqual(['r1', 'r2']);
    expect(found.devices).toMatchObject([
      { display_name: 'Phone', access_token_hash: 'a2', refresh_token_hash: 'r2', position: 2 },
    ]);
    expect(found.devices[0]).not.toHaveProperty('access_token_expires_at');
  });

  test('keeps the last 20 used ones', async () => {
    const found = await after((user) => {
      user.registers();
      user.signsIn('A', 'a', { refresh_token_hash: 'r100' });
      for (let i = 100; i < 130; i++) user.refreshes('A', `r${i}`, `a${i}`, `r${i + 1}`);
    });
    expect(hashes(found.refresh)).toEqual(Array.from({ length: 21 }, (_, i) => `r${110 + i}`));
    expect(hashes(found.access)).toEqual(['a129']);
  });

  test('means nothing to a device that is gone', async () => {
    const found = await after((user) => {
      user.registers();
      user.signsIn('A', 'a', { refresh_token_hash: 'r' });
      user.signsOut('A');
      user.refreshes('A', 'r', 'a2', 'r2');
    });
    expect(found).toMatchObject({ devices: [], access: [], refresh: [] });
  });
});

const log = new MemoryLog();
const [a, b] = [new RecordedUser(log, alice), new RecordedUser(log, bob)];
a.registers('user', true);
b.registers('guest');
a.signsIn('A', 'a1', { display_name: 'Phone', refresh_token_hash: 'r000', access_token_expires_at: 7 });
b.signsIn('A', 'b1');
for (let i = 0; i < 24; i++)
  a.refreshes('A', `r${String(i).padStart(3, '0')}`, `at${i}`, `r${String(i + 1).padStart(3, '0')}`);
a.signsIn('__proto__', 'proto', { display_name: '__proto__' });
a.renames('A', 'Telephone');
a.renames('__proto__', null);
b.signsIn('A', 'b2', { display_name: '' });
a.signsIn('A', 'a3');
b.upgrades();
b.signsIn('B', 'b3', { refresh_token_hash: 'rb' });
a.signsOut('A', 'A', 'none');
b.deactivates();
projectionContract(accountsProjection, log.records);
