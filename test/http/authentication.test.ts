import { describe, expect, it } from 'vitest';
import { tokenHash } from '../../src/commands/tokens.js';
import type { Access } from '../../src/http/authentication.js';
import type { Route } from '../../src/http/route.js';
import { anApp, someAuthenticator } from './support/app.js';

const whoever = (auth: Access): Route => ({
  module: 'account',
  name: 'getTokenOwner',
  method: 'POST',
  paths: [`/${auth}`],
  auth,
  handler: ({ user }) => ({ user: user ?? null }),
});
const app = anApp((['none', 'optional', 'required', 'required-or-guest'] as const).map(whoever));

const ask = async (url: string, authorization?: string) => {
  const response = await app.inject({
    method: 'POST',
    url,
    headers: authorization === undefined ? {} : { authorization },
  });
  return [response.statusCode, response.json<unknown>()];
};

const ALICE = {
  userId: '@alice:example.org',
  deviceId: 'PHONE',
  kind: 'user',
  accessTokenHash: tokenHash('alices'),
};

describe('a token', () => {
  it.each([
    ['/required', 'Bearer alices'],
    ['/required', 'bearer alices'],
    ['/required', 'BEARER   alices'],
    ['/required?access_token=alices', undefined],
    ['/required?access_token=alices&access_token=guests', undefined],
    ['/required?access_token=guests', 'Bearer alices'],
    ['/required?access_token=alices', 'Basic x'],
    ['/optional', 'Bearer alices'],
    ['/required-or-guest', 'Bearer alices'],
  ])('is found: %s, %s', async (url, authorization) => {
    expect(await ask(url, authorization)).toEqual([200, { user: ALICE }]);
  });

  it.each([
    ['/required', undefined],
    ['/required', 'Basic alices'],
    ['/required', 'alices'],
    ['/required?access_token=', undefined],
    ['/required-or-guest', undefined],
  ])('that is missing is refused: %s, %s', async (url, authorization) => {
    expect(await ask(url, authorization)).toEqual([
      401,
      { errcode: 'M_MISSING_TOKEN', error: 'This request needs an access token.' },
    ]);
  });

  it.each(['/required', '/optional', '/required-or-guest'])(
    'that nobody knows is refused: %s',
    async (url) => {
      for (const token of ['nonsense', '__proto__', 'x'.repeat(10_000)]) {
        expect(await ask(url, `Bearer ${token}`)).toEqual([
          401,
          { errcode: 'M_UNKNOWN_TOKEN', error: 'This access token is not known here.' },
        ]);
      }
    },
  );

  it('that has expired says that the session is not lost', async () => {
    expect(await ask('/required', 'Bearer old')).toEqual([
      401,
      { errcode: 'M_UNKNOWN_TOKEN', error: 'This access token has expired.', soft_logout: true },
    ]);
  });

  it('is not looked at where none is needed', async () => {
    expect(await ask('/none', 'Bearer nonsense')).toEqual([200, { user: null }]);
    expect(await ask('/optional')).toEqual([200, { user: null }]);
  });

  it('too long to be one is not even looked up', async () => {
    let asked = 0;
    const counting = anApp([whoever('required')], {
      authenticator: {
        authenticate: (token, hash) => {
          asked++;
          return someAuthenticator.authenticate(token, hash, 'test');
        },
      },
    });
    const authorization = `Bearer ${'x'.repeat(5000)}`;
    const response = await counting.inject({ method: 'POST', url: '/required', headers: { authorization } });
    expect([response.statusCode, asked]).toEqual([401, 0]);
  });
});

describe('a guest', () => {
  it('is let in only where guests are', async () => {
    expect(await ask('/required', 'Bearer guests')).toEqual([
      403,
      { errcode: 'M_GUEST_ACCESS_FORBIDDEN', error: 'Guests may not do this.' },
    ]);
    expect((await ask('/required-or-guest', 'Bearer guests'))[0]).toBe(200);
    expect((await ask('/optional', 'Bearer guests'))[0]).toBe(200);
  });
});

describe('the order of checks', () => {
  it('is: token first, then the body', async () => {
    const strict = anApp([{ ...whoever('required'), module: 'devices', name: 'deleteDevices' }]);
    const response = await strict.inject({ method: 'POST', url: '/required', payload: 'nonsense' });
    expect(response.json<{ errcode: string }>().errcode).toBe('M_MISSING_TOKEN');
  });
});
