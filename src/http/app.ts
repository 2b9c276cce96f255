import {
  fastify,
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { MatrixError } from '../protocol/errors.js';
import type { Authenticator } from './authentication.js';
import { Closing } from './closing.js';
import { Connections } from './connections.js';
import { CORS_HEADERS } from './cors.js';
import { errorResponse, type ProgressOf } from './errors.js';
import { isLoopback } from './limits/address-key.js';
import { ConnectionLimits, type ConnectionLimitOptions } from './limits/connection-limits.js';
import type { RequestLimits } from './limits/request-limits.js';
import { createNodeServer, refuseBrokenRequest, type NodeServerOptions } from './node-server.js';
import { pathOf, registerRoutes } from './register.js';
import { sendJson } from './reply.js';
import type { Route } from './route.js';
import type { Schemas } from './schemas.js';
import { UnknownPaths, unrecognized } from './unknown-paths.js';

/** Is told of every request when it is answered: route template or `unknown`, method, status, duration. */
export interface RequestObserver {
  requestObserved(route: string, method: string, status: number, seconds: number): void;
}

/** Durations in milliseconds, sizes in bytes. */
export interface AppOptions extends NodeServerOptions, ConnectionLimitOptions {
  readonly routes: readonly Route[];
  readonly schemas: Schemas;
  readonly authenticator: Authenticator;
  readonly log: FastifyBaseLogger;
  readonly observer?: RequestObserver;
  /** Makes the id of a request, which becomes the correlation id of its records. */
  readonly newRequestId: () => string;
  /** How many proxies stand before the server: the outermost says in `X-Forwarded-For` whom it has seen. */
  readonly proxies?: number;
  /** Absent: everybody may ask as much as they like. */
  readonly limits?: RequestLimits;
  readonly bodyLimit?: number;
  /** How long requests under way have to finish when the app closes. */
  readonly closingPatience?: number;
  readonly progressOf?: ProgressOf;
}

const MEBIBYTE = 1024 * 1024;
/** Milliseconds. */
const CLOSING_PATIENCE = 10_000;
/** An identifier has 255 bytes, each of which may be written as three characters; decoding comes first. */
const MAX_PARAM_LENGTH = 2048;

/** Builds the HTTP server of one listener, ready for `listen` or `inject`. Closing it ends waiting polls first. */
export function createApp(options: AppOptions): FastifyInstance {
  const closing = new Closing();
  const unknownPaths = new UnknownPaths();
  const connectionLimits = new ConnectionLimits(options);
  const proxies = options.proxies ?? 0;
  let isProxySeen = false;
  let connections: Connections | undefined;
  const app = fastify({
    serverFactory: (handler) => {
      const server = createNodeServer(options, (request, response) => {
        if (connectionLimits.admits(request, response)) handler(request, response);
      });
      connectionLimits.watch(server, options.connections);
      connections = new Connections(server);
      return server;
    },
    loggerInstance: options.log,
    // Fastify would log URLs, and with them access tokens. We log one line per request ourselves.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'correlationId' }),
    genReqId: () => options.newRequestId(),
    requestIdHeader: false,
    // Not `true`: then the client itself, whose header a proxy only adds to, could say who it is.
    trustProxy: (_address: string, hop: number) => hop < proxies,
    bodyLimit: options.bodyLimit ?? MEBIBYTE,
    // Answered by ourselves, as a Matrix error.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    clientErrorHandler: refuseBrokenRequest,
    frameworkErrors: (error, _request, reply) => {
      reply.headers(CORS_HEADERS);
      sendError(error, reply);
    },
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });

  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(CORS_HEADERS);
    if (request.method === 'OPTIONS') {
      void reply.code(204).send();
      return;
    }
    if (closing.begun) {
      reply.header('retry-after', '5');
      done(new MatrixError('M_UNKNOWN', 'The server is shutting down.', { status: 503 }));
      return;
    }
    // Fastify would refuse types that it cannot read, and clients send all sorts.
    delete request.raw.headers['content-type'];
    noticeProxy(request);
    done(refusedEncoding(request));
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    connectionLimits.sends(request.raw);
    // A connection that is kept would hold up the closing until it times out.
    if (closing.begun) reply.header('connection', 'close');
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    observe(request, reply);
    done();
  });
  app.addHook('preClose', (done) => {
    closing.begin();
    options.limits?.close();
    connections?.close(options.closingPatience ?? CLOSING_PATIENCE);
    done();
  });

  app.setErrorHandler((error, _request, reply) => {
    sendError(error, reply);
  });
  app.setNotFoundHandler(async (request, reply) => {
    await options.limits?.stray(request.ip, reply.raw);
    const allowed = unknownPaths.methodsOf(pathOf(request));
    if (allowed.length > 0) reply.header('allow', [...allowed, 'OPTIONS'].join(', '));
    sendError(unrecognized(allowed), reply);
  });
  registerRoutes(app, { ...options, closing, unknownPaths });
  return app;

  function observe(request: FastifyRequest, reply: FastifyReply): void {
    // Route templates only: they are few, and say nothing about rooms or users.
    const route = request.routeOptions.url ?? 'unknown';
    const seconds = reply.elapsedTime / 1000;
    options.observer?.requestObserved(route, request.method, reply.statusCode, seconds);
    request.log.info(
      { method: request.method, route, status: reply.statusCode, seconds },
      'request answered',
    );
  }

  /** Somebody should know that every client behind the proxy counts as one. */
  function noticeProxy({ headers, ip }: FastifyRequest): void {
    if (isProxySeen || proxies > 0 || headers['x-forwarded-for'] === undefined || !isLoopback(ip)) return;
    isProxySeen = true;
    options.log.warn(
      'A proxy on this machine forwards requests, but the listener’s trust_proxy is off: limits by address take all of its clients for one.',
    );
  }

  function sendError(error: unknown, reply: FastifyReply): void {
    const response = errorResponse(error, options.progressOf);
    if (response.fault) reply.log.error({ err: error }, 'request failed');
    reply.code(response.status).headers(response.headers);
    sendJson(reply, response.body);
  }
}

/** What a body unpacks to cannot be known before it is unpacked; no client packs what it sends. */
function refusedEncoding({ headers }: FastifyRequest): MatrixError | undefined {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return undefined;
  return new MatrixError('M_NOT_JSON', 'Bodies are taken as they are: leave Content-Encoding out.', {
    status: 415,
  });
}
