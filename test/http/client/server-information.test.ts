import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { capabilitiesRoutes } from '../../../src/http/client/capabilities.js';
import { turnCredentials, turnServerRoutes } from '../../../src/http/client/turn-server.js';
import { versionsRoutes } from '../../../src/http/client/versions.js';
import { wellKnownRoutes } from '../../../src/http/client/well-known.js';
import { ManualClock } from '../../support/manual-clock.js';
import { expectSpecResponse } from '../../support/spec.js';
import { AS_ALICE, anApp } from '../support/app.js';

const TURN = {
  uris: ['turn:turn.example.org?transport=udp'],
  sharedSecret: 'shared',
  ttl: 3600,
  username: null,
  password: null,
};

const app = anApp([
  ...versionsRoutes(),
  ...wellKnownRoutes({
    baseUrl: 'https://matrix.example.org/',
    identityServer: 'https://id.example.org',
    server: 'matrix.example.org:443',
    support: { contacts: [{ role: 'm.role.admin', email_address: 'admin@example.org' }] },
  }),
  ...capabilitiesRoutes({ defaultRoomVersion: '12' }),
  ...turnServerRoutes(TURN, new ManualClock(1_443_776_031_500)),
]);

const get = async (url: string) => {
  const response = await app.inject({ url, headers: AS_ALICE });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
};

describe('what the server says of itself', () => {
  it('versions', async () => {
    const { status, body } = await get('/_matrix/client/versions');
    expect(status).toBe(200);
    expectSpecResponse('GET', '/_matrix/client/versions', 200, body);
    expect(body['versions']).toContain('r0.6.1');
    expect(body['versions']).toContain('v1.1');
  });

  it('well-known documents', async () => {
    const client = await get('/.well-known/matrix/client');
    expectSpecResponse('GET', '/.well-known/matrix/client', 200, client.body);
    expect(client.body).toEqual({
      'm.homeserver': { base_url: 'https://matrix.example.org' },
      'm.identity_server': { base_url: 'https://id.example.org' },
    });
    const support = await get('/.well-known/matrix/support');
    expectSpecResponse('GET', '/.well-known/matrix/support', 200, support.body);
    expect((await get('/.well-known/matrix/server')).body).toEqual({ 'm.server': 'matrix.example.org:443' });
  });

  it('nothing where nothing is set up', async () => {
    const bare = anApp(
      wellKnownRoutes({ baseUrl: 'http://localhost:8008', identityServer: null, server: null }),
    );
    const client = await bare.inject({ url: '/.well-known/matrix/client' });
    expect(client.json()).toEqual({ 'm.homeserver': { base_url: 'http://localhost:8008' } });
    for (const name of ['server', 'support']) {
      const response = await bare.inject({ url: `/.well-known/matrix/${name}` });
      expect([response.statusCode, response.json<{ errcode: string }>().errcode]).toEqual([
        404,
        'M_NOT_FOUND',
      ]);
    }
  });

  it('capabilities', async () => {
    const { body } = await get('/_matrix/client/v3/capabilities');
    expectSpecResponse('GET', '/_matrix/client/v3/capabilities', 200, body);
    const versions = (body['capabilities'] as Record<string, { default: string; available: object }>)[
      'm.room_versions'
    ];
    expect(versions?.default).toBe('12');
    expect(
      Object.keys(versions?.available ?? {})
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('TURN credentials that end', async () => {
    const { body } = await get('/_matrix/client/r0/voip/turnServer');
    expectSpecResponse('GET', '/_matrix/client/v3/voip/turnServer', 200, body);
    const username = '1443779631:@alice:example.org';
    expect(body).toEqual({
      username,
      password: createHmac('sha1', 'shared').update(username).digest('base64'),
      uris: TURN.uris,
      ttl: 3600,
    });
  });

  it('TURN credentials that are the same for all, or none', () => {
    const fixed = { ...TURN, sharedSecret: null, username: 'u', password: 'p' };
    expect(turnCredentials(fixed, '@a:b', 0)).toEqual({
      username: 'u',
      password: 'p',
      uris: TURN.uris,
      ttl: 3600,
    });
    expect(turnCredentials({ ...TURN, sharedSecret: null }, '@a:b', 0)).toEqual({});
    expect(turnCredentials({ ...TURN, uris: [] }, '@a:b', 0)).toEqual({});
  });
});
