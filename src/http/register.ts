import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { accessTokenOf, authenticate, type Authenticator, type Requester } from './authentication.js';
import { parseBody, type Body } from './body.js';
import type { Closing } from './closing.js';
import { MatrixError } from '../protocol/errors.js';
import type { LimitedRequest, RequestLimits } from './limits/request-limits.js';
import { bodyLimitOf } from './limits/route-limits.js';
import { sendAnswer } from './reply.js';
import type { Route } from './route.js';
import type { Schemas } from './schemas.js';
import type { UnknownPaths } from './unknown-paths.js';

interface Parts {
  readonly routes: readonly Route[];
  readonly schemas: Schemas;
  readonly authenticator: Authenticator;
  readonly closing: Closing;
  readonly unknownPaths: UnknownPaths;
  /** Largest body in bytes. */
  readonly bodyLimit?: number;
  /** Absent: no limits. */
  readonly limits?: RequestLimits;
}

const NO_BODY: Body = { value: {}, looseNumbers: false };

/**
 * Puts routes into an app. A request passes, in this order: who makes it, whether they may make one now (both before
 * its body is read, so that nobody can make us keep what we do not want), the body, parameters, query, the body's
 * schema, the handler.
 */
export function registerRoutes(app: FastifyInstance, parts: Parts): void {
  const admitted = new WeakMap<FastifyRequest, LimitedRequest>();
  for (const route of parts.routes) {
    const checks = parts.schemas.compile(route.module, route.name);
    const bodyLimit = route.bodyLimit ?? Math.min(bodyLimitOf(route), parts.bodyLimit ?? Infinity);
    for (const template of new Set(route.paths)) {
      parts.unknownPaths.add(route.method, template);
      app.route({
        method: route.method,
        url: template.replaceAll(/\{(\w+)\}/g, ':$1'),
        ...(bodyLimit === Infinity ? {} : { bodyLimit }),
        onRequest: async (request, reply) => {
          const requester = await requesterOf(request, reply, route, parts);
          const query = request.query as Record<string, unknown>;
          const bytes = Number(request.headers['content-length'] ?? 0);
          const limited = { route, requester, address: request.ip, query, bytes, response: reply.raw };
          await parts.limits?.admit(limited);
          admitted.set(request, limited);
        },
        handler: async (request, reply) => {
          const limited = admitted.get(request);
          const sent = request.body as Uint8Array | undefined;
          if (limited !== undefined && sent !== undefined) await parts.limits?.received(limited, sent.length);
          const body = checks.hasBody ? parseBody(sent) : NO_BODY;
          const context = new RequestContext(
            request,
            () => waiting(parts, reply, limited),
            checks.params(request.params as Record<string, unknown>),
            checks.query(request.query as Record<string, unknown>),
            checks.body(body.value),
            body.looseNumbers,
            limited?.requester,
          );
          sendAnswer(reply, await route.handler(context));
          return reply;
        },
      });
    }
  }
}

/** Who makes a request; a token that is nobody's counts for the address. */
async function requesterOf(
  request: FastifyRequest,
  reply: FastifyReply,
  { auth }: Route,
  { authenticator, limits }: Parts,
): Promise<Requester | undefined> {
  if (auth === 'none') return undefined;
  const token = accessTokenOf(request.headers, request.query as Record<string, unknown>);
  try {
    return await authenticate(authenticator, auth, token, request.id);
  } catch (error) {
    if (error instanceof MatrixError && error.status === 401) await limits?.stray(request.ip, reply.raw);
    throw error;
  }
}

/** The signal for a request that begins to wait. */
function waiting(
  { closing, limits }: Parts,
  reply: FastifyReply,
  limited: LimitedRequest | undefined,
): AbortSignal {
  const controller = closing.controllerFor(reply.raw);
  if (limited !== undefined) limits?.waits(limited, controller);
  return controller.signal;
}

/** The path as the client sent it, without the query string. */
export function pathOf(request: FastifyRequest): string {
  const end = request.url.indexOf('?');
  return end === -1 ? request.url : request.url.slice(0, end);
}

class RequestContext {
  readonly params: object;
  readonly query: object;
  readonly body: object;
  readonly looseNumbers: boolean;
  readonly user: Requester | undefined;
  readonly #request: FastifyRequest;
  readonly #waits: () => AbortSignal;
  #signal: AbortSignal | undefined;

  constructor(
    request: FastifyRequest,
    waits: () => AbortSignal,
    params: object,
    query: object,
    body: object,
    looseNumbers: boolean,
    user: Requester | undefined,
  ) {
    this.#request = request;
    this.#waits = waits;
    this.params = params;
    this.query = query;
    this.body = body;
    this.looseNumbers = looseNumbers;
    this.user = user;
  }

  get correlationId(): string {
    return this.#request.id;
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#waits());
  }

  get log(): FastifyBaseLogger {
    return this.#request.log;
  }

  get method(): string {
    return this.#request.method;
  }

  get path(): string {
    return pathOf(this.#request);
  }

  get address(): string {
    return this.#request.ip;
  }

  get userAgent(): string | undefined {
    return this.#request.headers['user-agent'];
  }
}
