import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { accessTokenOf, authenticate, type Authenticator, type Requester } from './authentication.js';
import { parseBody, type Body } from './body.js';
import type { Closing } from './closing.js';
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
}

const NO_BODY: Body = { value: {}, looseNumbers: false };

/**
 * Puts routes into an app. A request passes, in this order: who makes it (before its body is read, so a stranger
 * cannot make us keep one), the body, parameters, query, the body's schema, the handler.
 */
export function registerRoutes(app: FastifyInstance, parts: Parts): void {
  const requesters = new WeakMap<FastifyRequest, Requester>();
  for (const route of parts.routes) {
    const checks = parts.schemas.compile(route.module, route.name);
    for (const template of new Set(route.paths)) {
      parts.unknownPaths.add(route.method, template);
      app.route({
        method: route.method,
        url: template.replaceAll(/\{(\w+)\}/g, ':$1'),
        ...(route.bodyLimit === undefined ? {} : { bodyLimit: route.bodyLimit }),
        onRequest: async (request) => {
          if (route.auth === 'none') return;
          const token = accessTokenOf(request.headers, request.query as Record<string, unknown>);
          const requester = await authenticate(parts.authenticator, route.auth, token);
          if (requester !== undefined) requesters.set(request, requester);
        },
        handler: async (request, reply) => {
          const body = checks.hasBody ? parseBody(request.body as Uint8Array | undefined) : NO_BODY;
          const context = new RequestContext(
            request,
            reply,
            parts.closing,
            checks.params(request.params as Record<string, unknown>),
            checks.query(request.query as Record<string, unknown>),
            checks.body(body.value),
            body.looseNumbers,
            requesters.get(request),
          );
          sendAnswer(reply, await route.handler(context));
          return reply;
        },
      });
    }
  }
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
  readonly #reply: FastifyReply;
  readonly #closing: Closing;
  #signal: AbortSignal | undefined;

  constructor(
    request: FastifyRequest,
    reply: FastifyReply,
    closing: Closing,
    params: object,
    query: object,
    body: object,
    looseNumbers: boolean,
    user: Requester | undefined,
  ) {
    this.#request = request;
    this.#reply = reply;
    this.#closing = closing;
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
    return (this.#signal ??= this.#closing.signalFor(this.#reply.raw));
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
