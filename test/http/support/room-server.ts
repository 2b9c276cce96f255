import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { expect } from 'vitest';
import { setAccountData } from '../../../src/commands/account-data.js';
import { register } from '../../../src/commands/registration.js';
import { loadConfig } from '../../../src/config.js';
import { createApp } from '../../../src/http/app.js';
import type { ClientApi } from '../../../src/http/client/api.js';
import { clientApi } from '../../../src/http/client/client-api.js';
import { Schemas } from '../../../src/http/schemas.js';
import type { Route } from '../../../src/http/route.js';
import { openCore, type Core } from '../../../src/server.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../../support/manual-clock.js';
import { expectSpecAnswer, expectSpecResponse } from '../../support/spec.js';

export const SERVER = 'one.example';
const schemas = new Schemas('client');

export interface Answered<T> {
  readonly status: number;
  readonly body: T;
}

export type Json = Readonly<Record<string, unknown>>;

/** An event as a client gets it. */
export interface ClientEvent {
  readonly event_id: string;
  readonly room_id: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly origin_server_ts: number;
  readonly content: Json;
  readonly unsigned?: Json;
}

/** Both sides of a server in a folder of its own, behind an app that `inject` talks to; its clock stands still. */
export class RoomServer {
  readonly clock: ManualClock;
  readonly core: Core;
  readonly #app: FastifyInstance;
  readonly #remove: () => void;
  #transactions = 0;

  private constructor(clock: ManualClock, core: Core, app: FastifyInstance, remove: () => void) {
    this.clock = clock;
    this.core = core;
    this.#app = app;
    this.#remove = remove;
  }

  static async open(
    routes: (api: ClientApi) => readonly Route[],
    settings: Partial<ClientApi['settings']> = {},
  ): Promise<RoomServer> {
    const folder = temporaryFolder();
    const clock = new ManualClock();
    const env = {
      ENGRAM_DATA_DIR: folder.path,
      ENGRAM_SERVER_NAME: SERVER,
      ENGRAM_LOGGING__LEVEL: 'fatal',
    };
    const core = await openCore(loadConfig({ file: undefined, env, cwd: folder.path }), { clock });
    // As a server does before it listens.
    await core.readModels.whenProcessed(core.log.head, 20_000);
    const whole = clientApi(core);
    const api: ClientApi = { ...whole, settings: { ...whole.settings, ...settings } };
    let requests = 0;
    const app = createApp({
      routes: routes(api),
      schemas,
      // A token is its owner's name; guests have digits for names.
      authenticator: {
        authenticate: (name) =>
          Promise.resolve({
            userId: `@${name}:${SERVER}`,
            deviceId: 'PHONE',
            kind: /^\d/.test(name) ? 'guest' : 'user',
          }),
      },
      log: pino({ level: 'silent' }),
      newRequestId: () => `request-${++requests}`,
    });
    return new RoomServer(clock, core, app, () => {
      folder.remove();
    });
  }

  async close(): Promise<void> {
    await this.#app.close();
    await this.core.close();
    this.#remove();
  }

  /** Makes accounts, so that they have profiles. */
  async users(...names: readonly string[]): Promise<void> {
    for (const username of names) {
      const context = { correlationId: 'test', now: this.clock.now() };
      const wish = { username, password: undefined, kind: 'user', method: 'open' } as const;
      await register(this.core.write, wish, context);
    }
  }

  /** Asks as somebody (`''`: without a token), a millisecond after what was asked before. */
  async ask<T = Json>(
    name: string,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object | string,
  ): Promise<Answered<T>> {
    this.clock.advance(1);
    const options: InjectOptions = {
      method,
      url: path.startsWith('/_matrix') ? path : `/_matrix/client/v3${path}`,
      ...(name === '' ? {} : { headers: { authorization: `Bearer ${name}` } }),
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    };
    const response = await this.#app.inject(options);
    const answer = response.json<T>();
    expectSpecAnswer(method, response.raw.req.url ?? '', response.statusCode, answer);
    return { status: response.statusCode, body: answer };
  }

  /** Asks for what must succeed, and holds the answer against the specification (`path` as it is written there). */
  async get<T = Json>(
    name: string,
    template: string,
    params: Readonly<Record<string, string>> = {},
    query: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const full = template.startsWith('/_matrix') ? template : `/_matrix/client/v3${template}`;
    const { status, body } = await this.ask<T>(name, 'GET', fill(full, params, query));
    expect([status, body]).toEqual([200, body]);
    expectSpecResponse('GET', full, 200, body);
    return body;
  }

  /** Sends what must succeed. */
  async does<T = Json>(
    name: string,
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body: object = {},
  ): Promise<T> {
    const answered = await this.ask<T>(name, method, path, body);
    expect([answered.status, answered.body]).toEqual([200, answered.body]);
    return answered.body;
  }

  async refuses(
    name: string,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    status: number,
    errcode: string,
    body?: object | string,
  ): Promise<void> {
    const answered = await this.ask(name, method, path, body);
    expect([answered.status, answered.body['errcode']]).toEqual([status, errcode]);
  }

  /* What tests say often. */

  async room(name: string, request: object = {}, joining: readonly string[] = []): Promise<string> {
    const { room_id: roomId } = await this.does<{ room_id: string }>(name, 'POST', '/createRoom', request);
    for (const other of joining) await this.does(other, 'POST', `/join/${encodeURIComponent(roomId)}`);
    return roomId;
  }

  async says(name: string, roomId: string, body: string, more: object = {}): Promise<string> {
    return this.sends(name, roomId, 'm.room.message', { msgtype: 'm.text', body, ...more });
  }

  async sends(name: string, roomId: string, type: string, content: object): Promise<string> {
    const path = `/rooms/${encodeURIComponent(roomId)}/send/${type}/t${++this.#transactions}`;
    return (await this.does<{ event_id: string }>(name, 'PUT', path, content)).event_id;
  }

  async sets(name: string, roomId: string, type: string, content: object, key = ''): Promise<string> {
    const path = `/rooms/${encodeURIComponent(roomId)}/state/${type}/${encodeURIComponent(key)}`;
    return (await this.does<{ event_id: string }>(name, 'PUT', path, content)).event_id;
  }

  async redacts(name: string, roomId: string, eventId: string): Promise<string> {
    const path = `/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(eventId)}/t${++this.#transactions}`;
    return (await this.does<{ event_id: string }>(name, 'PUT', path)).event_id;
  }

  async ignores(name: string, other: string): Promise<void> {
    const content = { ignored_users: { [userId(other)]: {} } };
    const context = { correlationId: 'test', now: this.clock.now() };
    const type = 'm.ignored_user_list';
    const done = await setAccountData(this.core.write, userId(name), null, type, content, context);
    this.core.read.barrier.acknowledged(done.position);
  }

  /** A page of a room's history. */
  messages(name: string, roomId: string, query: Readonly<Record<string, string>>): Promise<MessagesPage> {
    return this.get<MessagesPage>(name, '/rooms/{roomId}/messages', { roomId }, query);
  }
}

export interface MessagesPage {
  readonly start: string;
  readonly end?: string;
  readonly chunk: readonly ClientEvent[];
  readonly state?: readonly ClientEvent[];
}

export function userId(name: string): string {
  return `@${name}:${SERVER}`;
}

/** The bodies of the messages among some events. */
export function bodies(events: readonly ClientEvent[]): unknown[] {
  return events.filter(({ type }) => type === 'm.room.message').map(({ content }) => content['body']);
}

function fill(
  template: string,
  params: Readonly<Record<string, string>>,
  query: Readonly<Record<string, string>>,
): string {
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams(query).toString();
  return search === '' ? path : `${path}?${search}`;
}
