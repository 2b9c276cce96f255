import type { LightMyRequestResponse } from 'fastify';
import type { TestClient, TestServer } from './server.js';

/** A request as it stands: bytes that need not be JSON, headers that need not make sense. */
export interface RawRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below `/_matrix/client/v3` unless it begins with `/_`. */
  readonly path: string;
  readonly as?: TestClient;
  readonly payload?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RawAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Sends it. @throws Error where the answer is not a JSON object */
export async function raw(server: TestServer, request: RawRequest): Promise<RawAnswer> {
  const { method, path, as, payload, headers = {} } = request;
  const response: LightMyRequestResponse = await server.app.inject({
    method,
    url: path.startsWith('/_') ? path : `/_matrix/client/v3${path}`,
    headers: { ...(as === undefined ? {} : { authorization: `Bearer ${as.token}` }), ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
}
