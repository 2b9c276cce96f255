import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createApp, type AppOptions } from '../../../src/http/app.js';
import type { Authenticator } from '../../../src/http/authentication.js';
import type { Route } from '../../../src/http/route.js';
import { Schemas } from '../../../src/http/schemas.js';

export const schemas = new Schemas('client');

const TOKENS = new Map<string, Awaited<ReturnType<Authenticator['authenticate']>>>([
  ['alices', { userId: '@alice:example.org', deviceId: 'PHONE', kind: 'user' }],
  ['guests', { userId: '@1:example.org', deviceId: 'TAB', kind: 'guest' }],
  ['old', { expired: true }],
]);

/** Knows three tokens: one of alice, one of a guest, one that has expired. */
export const someAuthenticator: Authenticator = {
  authenticate: (token) => Promise.resolve(TOKENS.get(token)),
};

export const AS_ALICE = { authorization: 'Bearer alices' };

/** An app with these routes; `logged` receives every line of its log. */
export function anApp(
  routes: readonly Route[],
  options: Partial<AppOptions> & { logged?: string[] } = {},
): FastifyInstance {
  let requests = 0;
  const { logged, ...rest } = options;
  const log = pino({ level: 'debug' }, { write: (line: string) => logged?.push(line) });
  return createApp({
    routes,
    schemas,
    authenticator: someAuthenticator,
    log,
    newRequestId: () => `request-${++requests}`,
    ...rest,
  });
}
