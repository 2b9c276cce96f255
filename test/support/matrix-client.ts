import { Agent, request } from 'undici';
import type { JsonObject, JsonValue } from '../../src/protocol/json.js';

export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface RequestOptions {
  /** Sent as JSON. */
  readonly body?: JsonValue;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
}

/** The connections that clients share. */
interface Line {
  agent: Agent;
}

/** A minimal client of the Client-Server API: what it asks, and what it is answered. Answers of any status return. */
export class MatrixClient {
  readonly userId: string;
  readonly deviceId: string;
  readonly token: string | undefined;
  readonly #url: string;
  readonly #line: Line;

  constructor(
    url: string,
    session: { readonly userId?: string; readonly deviceId?: string; readonly token?: string } = {},
    line: Line = { agent: new Agent() },
  ) {
    this.#url = url;
    this.#line = line;
    this.userId = session.userId ?? '';
    this.deviceId = session.deviceId ?? '';
    this.token = session.token;
  }

  /**
   * One request; `path` is what follows `/_matrix/client/`, its parts encoded (`matrixPath`).
   *
   * @throws Error of the connection when there is no whole answer
   */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const answer = await request(`${this.#url}/_matrix/client/${path}`, {
      method: method as 'GET',
      dispatcher: this.#line.agent,
      headers: this.token === undefined ? {} : { authorization: `Bearer ${this.token}` },
      ...(options.query === undefined ? {} : { query: { ...options.query } }),
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const body = (await answer.body.json()) as JsonObject;
    return { status: answer.statusCode, body, headers: answer.headers };
  }

  /** A request that must succeed: its body. @throws Error with the Matrix error otherwise */
  async ok(method: string, path: string, options: RequestOptions = {}): Promise<JsonObject> {
    const { status, body } = await this.request(method, path, options);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Makes an account without a further stage, and gives a client that is logged in to it. */
  async register(username: string, password: string): Promise<MatrixClient> {
    const auth = { type: 'm.login.dummy' };
    return this.#loggedIn(await this.ok('POST', 'v3/register', { body: { username, password, auth } }));
  }

  async login(user: string, password: string): Promise<MatrixClient> {
    const identifier = { type: 'm.id.user', user };
    const body = { type: 'm.login.password', identifier, password };
    return this.#loggedIn(await this.ok('POST', 'v3/login', { body }));
  }

  #loggedIn(body: JsonObject): MatrixClient {
    const { user_id: userId, device_id: deviceId, access_token: token } = body;
    if (typeof userId !== 'string' || typeof deviceId !== 'string' || typeof token !== 'string') {
      throw new Error(`Not a session: ${Object.keys(body).join(', ')}`);
    }
    return new MatrixClient(this.#url, { userId, deviceId, token }, this.#line);
  }

  /** Breaks all connections, also those of clients that have come from this one: their requests fail, answered or not. */
  async hangUp(): Promise<void> {
    const { agent } = this.#line;
    this.#line.agent = new Agent();
    await agent.destroy();
  }

  /** Ends all connections for good. */
  async close(): Promise<void> {
    await this.#line.agent.destroy();
  }
}

/** A path with its parts encoded: matrixPath`v3/rooms/${roomId}/state`. */
export function matrixPath(strings: TemplateStringsArray, ...parts: readonly string[]): string {
  return String.raw({ raw: strings }, ...parts.map((part) => encodeURIComponent(part)));
}
