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
export interface AppOptions extends NodeServerOptions {
  readonly routes: readonly Route[];
  readonly schemas: Schemas;
  readonly authenticator: Authenticator;
  readonly log: FastifyBaseLogger;
  readonly observer?: RequestObserver;
  /** Makes the id of a request, which becomes the correlation id of its records. */
  readonly newRequestId: () => string;
  /** Addresses or networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustProxy?: boolean | string | string[];
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
  let connections: Connections | undefined;
  const app = fastify({
    serverFactory: (handler) => {
      const server = createNodeServer(options, handler);
      connections = new Connections(server);
      return server;
    },
    loggerInstance: options.log,
    // Fastify would log URLs, and with them access tokens. We log one line per request ourselves.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'correlationId' }),
    genReqId: () => options.newRequestId(),
    requestIdHeader: false,
    trustProxy: options.trustProxy ?? false,
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
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
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
    connections?.close(options.closingPatience ?? CLOSING_PATIENCE);
    done();
  });

  app.setErrorHandler((error, _request, reply) => {
    sendError(error, reply);
  });
  app.setNotFoundHandler((request, reply) => {
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

  function sendError(error: unknown, reply: FastifyReply): void {
    const response = errorResponse(error, options.progressOf);
    if (response.fault) reply.log.error({ err: error }, 'request failed');
    reply.code(response.status).headers(response.headers);
    sendJson(reply, response.body);
  }
}
