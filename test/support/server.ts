import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { createApp } from '../../src/http/app.js';
import type { ClientApi } from '../../src/http/client/api.js';
import { clientApi } from '../../src/http/client/client-api.js';
import { clientRoutes } from '../../src/http/client/routes.js';
import { configuredLimits } from '../../src/http/limits/configured.js';
import { accountAuthenticator } from '../../src/http/authenticator.js';
import { Schemas } from '../../src/http/schemas.js';
import { openCore, type Core } from '../../src/server.js';
import type { Clock } from '../../src/runtime/clock.js';
import { uuid } from '../../src/runtime/random.js';
import { temporaryFolder } from './folder.js';
import { expectSpecAnswer, expectSpecResponse } from './spec.js';

export const SERVER_NAME = 'one.example';
export const PASSWORD = 'correct horse battery staple';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
type Json = Readonly<Record<string, unknown>>;

const schemas = new Schemas('client');

/** An answer with its JSON body. */
export class Answer {
  readonly status: number;
  readonly body: Json;
  readonly #method: Method;

  constructor(method: Method, status: number, body: Json) {
    this.#method = method;
    this.status = status;
    this.body = body;
  }

  get errcode(): unknown {
    return this.body['errcode'];
  }

  /** The body of a success; held against the specification where `path` names the operation as it does. */
  ok(path?: string): Json {
    expect([this.status, this.body]).toEqual([200, this.body]);
    if (path !== undefined) expectSpecResponse(this.#method, path, 200, this.body);
    return this.body;
  }

  /** Expects a refusal, and gives its body. */
  refused(status: number, errcode: string): Json {
    expect([this.status, this.errcode, this.body]).toEqual([status, errcode, this.body]);
    return this.body;
  }
}

/** Somebody with or without an access token. Paths without `/_` or `/.` in front are below `/_matrix/client/v3`. */
export class TestClient {
  readonly userId: string;
  readonly deviceId: string;
  readonly token: string;
  readonly #app: FastifyInstance;
  readonly #holdsToSpec: boolean;

  /** @param holdsToSpec whether answers are held against the specification: not where clients send what it does not know */
  constructor(
    app: FastifyInstance,
    session: { userId?: string; deviceId?: string; token?: string } = {},
    holdsToSpec = true,
  ) {
    this.#app = app;
    this.#holdsToSpec = holdsToSpec;
    this.userId = session.userId ?? '';
    this.deviceId = session.deviceId ?? '';
    this.token = session.token ?? '';
  }

  /** @param body text is sent as it is */
  async request(method: Method, path: string, body?: object | string): Promise<Answer> {
    const response = await this.#app.inject({
      method,
      url: /^\/[_.]/.test(path) ? path : `/_matrix/client/v3${path}`,
      ...(this.token === '' ? {} : { headers: { authorization: `Bearer ${this.token}` } }),
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const answer = response.json<Json>();
    if (this.#holdsToSpec) expectSpecAnswer(method, response.raw.req.url ?? '', response.statusCode, answer);
    return new Answer(method, response.statusCode, answer);
  }

  get(path: string): Promise<Answer> {
    return this.request('GET', path);
  }

  post(path: string, body: object = {}): Promise<Answer> {
    return this.request('POST', path, body);
  }

  put(path: string, body: object = {}): Promise<Answer> {
    return this.request('PUT', path, body);
  }

  delete(path: string, body?: object): Promise<Answer> {
    return this.request('DELETE', path, body);
  }

  /** User-interactive authentication by the password that everybody has in tests. */
  get passwordAuth(): Json {
    const identifier = { type: 'm.id.user', user: this.userId };
    return { auth: { type: 'm.login.password', identifier, password: PASSWORD } };
  }
}

/** Milliseconds. */
const READY_PATIENCE = 20_000;

/** A whole server but for its listeners, in a folder of its own; requests go straight into the app. */
export interface TestServer {
  readonly core: Core;
  readonly api: ClientApi;
  readonly app: FastifyInstance;
  /** Somebody without a token. */
  readonly stranger: TestClient;
  register(name: string): Promise<TestClient>;
  /** Another session of an account. */
  login(user: string, more?: object): Promise<TestClient>;
  close(): Promise<void>;
}

/**
 * @param options.env settings by their environment variables; registration is open, guests are let in, and nobody
 *   is told to slow down unless they say otherwise
 */
export async function startTestServer(
  options: { env?: Readonly<Record<string, string>>; clock?: Clock; oddContent?: boolean } = {},
): Promise<TestServer> {
  const folder = temporaryFolder();
  const env = {
    ENGRAM_DATA_DIR: folder.path,
    ENGRAM_SERVER_NAME: SERVER_NAME,
    ENGRAM_REGISTRATION__ENABLED: 'true',
    ENGRAM_REGISTRATION__ALLOW_GUESTS: 'true',
    ENGRAM_RATE_LIMITS__ENABLED: 'false',
    ENGRAM_LOGGING__LEVEL: 'error',
    ...options.env,
  };
  const config = loadConfig({ file: undefined, env, cwd: folder.path });
  const core = await openCore(config, options.clock === undefined ? {} : { clock: options.clock });
  // As a server that listens does.
  await core.readModels.whenProcessed(core.log.head, READY_PATIENCE);
  const api = clientApi(core);
  const app = createApp({
    routes: clientRoutes(api, config),
    schemas,
    authenticator: accountAuthenticator(api.sessions, core.write),
    log: core.loggers.http,
    newRequestId: () => uuid(core.ports.random),
    bodyLimit: config.limits.request_bytes,
    ...configuredLimits(config, api.rateLimits, core.ports.clock),
  });
  const holdsToSpec = options.oddContent !== true;
  const stranger = new TestClient(app, {}, holdsToSpec);
  const signedIn = (body: Json) =>
    new TestClient(
      app,
      {
        userId: String(body['user_id']),
        deviceId: String(body['device_id']),
        token: String(body['access_token']),
      },
      holdsToSpec,
    );
  return {
    core,
    api,
    app,
    stranger,
    async register(name) {
      const body = { username: name, password: PASSWORD, auth: { type: 'm.login.dummy' } };
      return signedIn((await stranger.post('/register', body)).ok());
    },
    async login(user, more = {}) {
      const identifier = { type: 'm.id.user', user };
      const body = { type: 'm.login.password', identifier, password: PASSWORD, ...more };
      return signedIn((await stranger.post('/login', body)).ok());
    },
    async close() {
      await app.close();
      await core.close();
      folder.remove();
    },
  };
}
