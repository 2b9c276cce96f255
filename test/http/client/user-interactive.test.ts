import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { userInteractiveRoutes } from '../../../src/http/client/user-interactive.js';
import { registrationTokenStage } from '../../../src/http/user-interactive-stages.js';
import { UserInteractive } from '../../../src/http/user-interactive.js';
import { InteractiveAuthenticationNeeded } from '../../../src/http/errors.js';
import { systemRandom } from '../../../src/runtime/random.js';
import { ManualClock } from '../../support/manual-clock.js';
import { anApp } from '../support/app.js';

const TOKEN = 'm.login.registration_token';
const uia = new UserInteractive({
  stages: new Map([[TOKEN, registrationTokenStage((token) => Promise.resolve(token === 'good'))]]),
  clock: new ManualClock(),
  random: systemRandom,
});
const app = anApp(userInteractiveRoutes(uia));
const url = (type: string) => `/_matrix/client/v3/auth/${type}/fallback/web`;

const request = (session?: string) => ({
  method: 'POST',
  path: '/register',
  address: '::1',
  body: session === undefined ? {} : { auth: { session } },
});

async function begin(): Promise<string> {
  const error: unknown = await uia.require(request(), [[TOKEN]]).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InteractiveAuthenticationNeeded);
  return String((error as InteractiveAuthenticationNeeded).body['session']);
}

describe('the fallback page', () => {
  it.each(['m.login.dummy', TOKEN, 'm.login.password'])(
    'is there for %s, and may run its own script only',
    async (type) => {
      const response = await app.inject({ url: `${url(type)}?session=x"><script>alert(1)</script>` });
      expect(response.statusCode).toBe(200);
      expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(response.body).toContain('window.onAuthDone()');
      expect(response.body).not.toContain('alert');
      const script = /<script>([^]*?)<\/script>/.exec(response.body)?.[1] ?? '';
      const hash = createHash('sha256').update(script).digest('base64');
      expect(response.headers['content-security-policy']).toContain(`script-src 'sha256-${hash}'`);
    },
  );

  it('is not there for other stages, nor without a session', async () => {
    expect((await app.inject({ url: `${url('m.login.sso')}?session=x` })).statusCode).toBe(404);
    expect((await app.inject({ url: url(TOKEN) })).statusCode).toBe(400);
  });

  it('does the stage, so that the client goes on with the session alone', async () => {
    const session = await begin();
    const post = (payload: object) => app.inject({ method: 'POST', url: url(TOKEN), payload });
    const wrong = await post({ session, token: 'bad' });
    expect([wrong.statusCode, wrong.json<{ errcode: string }>().errcode]).toEqual([401, 'M_UNAUTHORIZED']);
    expect((await post({ session: 'nonsense', token: 'good' })).statusCode).toBe(404);
    expect((await post({ token: 'good' })).statusCode).toBe(400);
    expect((await post({ session, token: 'good', type: 'm.login.dummy' })).statusCode).toBe(200);
    expect(await uia.require(request(session), [[TOKEN]])).toMatchObject({ completed: [TOKEN] });
  });
});
