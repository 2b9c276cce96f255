import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changePassword, deactivate } from '../../src/commands/account.js';
import { accountConsequences } from '../../src/commands/account-consequences.js';
import { deleteTag, setAccountData, setTag } from '../../src/commands/account-data.js';
import { deleteDevices, renameDevice } from '../../src/commands/devices.js';
import { createFilter } from '../../src/commands/filters.js';
import { login, noteTokenUse, refresh } from '../../src/commands/login.js';
import { joinRoom } from '../../src/commands/membership.js';
import { setProfileField } from '../../src/commands/profile.js';
import { createRegistrationToken, register } from '../../src/commands/registration.js';
import { tokenHash } from '../../src/commands/tokens.js';
import { World } from '../support/world.js';

let world: World;

beforeEach(async () => {
  world = await World.open();
});

afterEach(async () => {
  await world.close();
});

const signUp = (username: string, token?: string) =>
  register(
    world.side,
    { username, password: 'secret', kind: 'user', method: 'open', token },
    world.context(),
  );
const HOUR = 60 * 60 * 1000;

const signIn = (user: string, password: string, refreshable = false) =>
  login(world.side, { user, password, ...(refreshable && { tokenLifetime: HOUR }) }, world.context());

describe('registering', () => {
  it('takes a name once, whoever is faster', async () => {
    const outcomes = await Promise.allSettled([signUp('alice'), signUp('alice'), signUp('alice')]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    await world.refuses(() => signUp('alice'), 'M_USER_IN_USE');
  });

  it.each(['al ice', '', 'a:b', 'ü', 'x'.repeat(250)])('refuses the name "%s"', async (name) => {
    await world.refuses(() => signUp(name), 'M_INVALID_USERNAME');
  });

  it('makes capitals small, as people type them', async () => {
    expect((await signUp('Alice')).result.userId).toBe('@alice:one.example');
  });

  it('keeps no password and no token in the log', async () => {
    const device = { tokenLifetime: HOUR };
    const account = {
      username: 'alice',
      password: 'hunter2-hunter2',
      kind: 'user',
      method: 'open',
      device,
    } as const;
    const { result } = await register(world.side, account, world.context());
    const log = JSON.stringify(await world.records());
    for (const secret of ['hunter2', result.tokens?.accessToken, result.tokens?.refreshToken]) {
      expect(secret).toBeTruthy();
      expect(log).not.toContain(secret);
    }
  });

  it('spends a registration token as often as it says, and gives it back where nothing came of it', async () => {
    const limits = { usesAllowed: 1, expiresAt: null };
    await createRegistrationToken(world.side, 'letmein', limits, world.context());
    await signUp('taken');
    await expect(signUp('taken', 'letmein')).rejects.toMatchObject({ code: 'M_USER_IN_USE' });
    await signUp('alice', 'letmein');
    await world.refuses(() => signUp('bob', 'letmein'), 'M_UNAUTHORIZED');
    await world.refuses(() => signUp('bob', 'unknown'), 'M_UNAUTHORIZED');
  });

  it('does not take a registration token that has expired', async () => {
    const limits = { usesAllowed: null, expiresAt: world.clock.now() + 1000 };
    await createRegistrationToken(world.side, 'soon', limits, world.context());
    await signUp('alice', 'soon');
    world.clock.advance(1000);
    await world.refuses(() => signUp('bob', 'soon'), 'M_UNAUTHORIZED');
  });
});

describe('signing in', () => {
  beforeEach(async () => {
    await signUp('alice');
  });

  it('takes a user ID or its local part, in any case', async () => {
    for (const name of ['alice', 'Alice', '@alice:one.example']) {
      expect((await signIn(name, 'secret')).result.userId).toBe('@alice:one.example');
    }
  });

  it.each([
    ['a wrong password', 'alice', 'wrong'],
    ['nobody', 'nobody', 'secret'],
    ['somebody of another server', '@alice:elsewhere.example', 'secret'],
    ['an absurd password', 'alice', 'x'.repeat(1000)],
  ])('refuses %s with the same words', async (_what, user, password) => {
    await world.refuses(
      () => signIn(user, password),
      'M_FORBIDDEN',
      /^The user name or the password is wrong\.$/,
    );
  });

  it('signs other devices out with a new password', async () => {
    const phone = (await signIn('alice', 'secret')).result;
    await signIn('alice', 'secret');
    const options = { logoutDevices: true, keepDevice: phone.deviceId };
    const change = () => changePassword(world.side, phone.userId, 'better', options, world.context());
    await world.leadsTo(change, ['user.password.changed', 'device.deleted']);
    await world.refuses(() => signIn('alice', 'secret'), 'M_FORBIDDEN');
    await signIn('alice', 'better');
  });

  const trade = async (userId: string, refreshToken = '') =>
    (await refresh(world.side, userId, refreshToken, HOUR, world.context())).result;
  const uses = (userId: string, deviceId: string, accessToken = '') =>
    noteTokenUse(world.side, userId, deviceId, tokenHash(accessToken), world.context());

  it('trades a refresh token once; a second time signs the device out, also after a restart', async () => {
    for (const restart of [false, true]) {
      const { userId, deviceId, tokens } = (await signIn('alice', 'secret', true)).result;
      const second = await trade(userId, tokens.refreshToken);
      expect(second?.refreshToken).not.toBe(tokens.refreshToken);
      await uses(userId, deviceId, second?.accessToken);
      if (restart) await world.restart();
      expect(await trade(userId, tokens.refreshToken)).toBeUndefined();
      expect(await trade(userId, second?.refreshToken)).toBeUndefined();
    }
    expect(await world.recordsOf('device.deleted')).toHaveLength(2);
  });

  it('trades a refresh token again while what was given for it is not in use', async () => {
    const { userId, deviceId, tokens } = (await signIn('alice', 'secret', true)).result;
    const lost = await trade(userId, tokens.refreshToken);
    await uses(userId, deviceId, tokens.accessToken);
    const again = await trade(userId, tokens.refreshToken);
    expect(await trade(userId, lost?.refreshToken)).toBeUndefined();
    expect(await trade(userId, again?.refreshToken)).toBeDefined();
    expect(await world.recordsOf('device.deleted')).toHaveLength(0);
  });

  it('records the first use of an access token that a refresh token was traded for, and no other', async () => {
    const { userId, deviceId, tokens } = (await signIn('alice', 'secret', true)).result;
    await world.leadsTo(() => uses(userId, deviceId, tokens.accessToken), []);
    const next = await trade(userId, tokens.refreshToken);
    await world.leadsTo(() => uses(userId, deviceId, tokens.accessToken), []);
    await world.leadsTo(() => uses(userId, deviceId, next?.accessToken), ['device.tokens.used']);
    await world.leadsTo(() => uses(userId, deviceId, next?.accessToken), []);
    await world.leadsTo(() => uses(userId, 'OTHER', next?.accessToken), []);
  });

  it('renames and deletes devices that there are', async () => {
    const { userId, deviceId } = (await signIn('alice', 'secret')).result;
    await world.leadsTo(
      () => renameDevice(world.side, userId, deviceId, 'Phone', world.context()),
      ['device.renamed'],
    );
    await world.leadsTo(() => renameDevice(world.side, userId, deviceId, 'Phone', world.context()), []);
    await world.refuses(() => renameDevice(world.side, userId, 'NOPE', 'x', world.context()), 'M_NOT_FOUND');
    await world.leadsTo(
      () => deleteDevices(world.side, userId, [deviceId, 'NOPE'], world.context()),
      ['device.deleted'],
    );
    await world.leadsTo(() => deleteDevices(world.side, userId, [deviceId], world.context()), []);
  });
});

describe('what an account keeps', () => {
  it('records account data, tags and filters only where they change', async () => {
    const alice = await world.user('alice');
    const context = () => world.context();
    const tag = () => setTag(world.side, alice, '!r:one.example', 'm.favourite', { order: 0.5 }, context());
    await world.leadsTo(tag, ['account_data.changed']);
    const untag = () => deleteTag(world.side, alice, '!r:one.example', 'm.favourite', context());
    await world.leadsTo(untag, ['account_data.changed']);
    await world.leadsTo(untag, []);
    const filter = () => createFilter(world.side, alice, { room: { timeline: { limit: 5 } } }, context());
    const made = await world.leadsTo(filter, ['filter.created']);
    expect(await world.leadsTo(filter, [])).toEqual(made);
    const managed = async () => setAccountData(world.side, alice, null, 'm.push_rules', {}, context());
    await world.refuses(managed, 'M_BAD_JSON');
  });

  it('bounds a profile, and the names of its fields', async () => {
    const alice = await world.user('alice');
    const set = (name: string, value: string) =>
      setProfileField(world.side, alice, name, value, world.context());
    await set('displayname', 'Alice');
    await world.leadsTo(() => set('displayname', 'Alice'), []);
    await world.refuses(async () => set('__proto__', 'harmless'), 'M_INVALID_PARAM');
    await world.refuses(() => set('org.example.bio', 'x'.repeat(70_000)), 'M_PROFILE_TOO_LARGE');
    await world.refuses(async () => set('', 'x'), 'M_INVALID_PARAM');
  });

  it('leaves its rooms when it is closed, and its name stays taken', async () => {
    const alice = await world.user('alice');
    const bob = await world.user('bob');
    const roomId = await world.room(alice, { preset: 'public_chat' }, [bob]);
    await setProfileField(world.side, bob, 'displayname', 'Bobby', world.context());
    await deactivate(world.side, bob, false, world.context());
    const ending = new AbortController();
    const cursor = accountConsequences(world.side);
    const running = cursor.run(ending.signal);
    while ((await world.state(roomId, 'm.room.member', bob))?.['membership'] !== 'leave') {
      await new Promise(setImmediate);
    }
    ending.abort();
    await running;
    await world.refuses(() => signUp('bob'), 'M_USER_IN_USE');
    await world.refuses(() => signIn('bob', 'secret'), 'M_FORBIDDEN');
    // Following the past again does nothing again.
    const before = (await world.recordsOf('room.event.accepted')).length;
    const again = new AbortController();
    const rerun = accountConsequences(world.side);
    const second = rerun.run(again.signal);
    while (rerun.position < cursor.position) await new Promise(setImmediate);
    again.abort();
    await second;
    expect(await world.recordsOf('room.event.accepted')).toHaveLength(before);
  });

  it('lets guests be in rooms that let guests in, and makes them leave when that ends', async () => {
    const alice = await world.user('alice');
    const guests = [];
    for (const name of ['one', 'two']) {
      const wish = { username: name, kind: 'guest', method: 'guest' } as const;
      guests.push((await register(world.side, wish, world.context())).result.userId);
    }
    const [one = '', two = ''] = guests;
    const roomId = await world.room(alice, { preset: 'public_chat' });
    await world.sets(alice, roomId, 'm.room.guest_access', { guest_access: 'can_join' });
    for (const guest of guests) {
      await joinRoom(world.side, guest, roomId, {}, world.context(), true);
    }
    const upgrade = { upgrading: two, password: 'x', kind: 'user', method: 'open' } as const;
    await register(world.side, upgrade, world.context());
    await world.refuses(() => register(world.side, upgrade, world.context()), 'M_FORBIDDEN');
    await world.sets(alice, roomId, 'm.room.guest_access', { guest_access: 'forbidden' });
    const ending = new AbortController();
    const running = accountConsequences(world.side).run(ending.signal);
    const membership = async (userId: string) =>
      (await world.state(roomId, 'm.room.member', userId))?.['membership'];
    while ((await membership(one)) !== 'leave') await new Promise(setImmediate);
    ending.abort();
    await running;
    expect([await membership(two), await membership(alice)]).toEqual(['join', 'join']);
  });
});
