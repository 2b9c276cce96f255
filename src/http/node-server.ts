import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { MatrixError } from '../protocol/errors.js';
import { CORS_HEADERS } from './cors.js';

/** Durations in milliseconds. */
export interface NodeServerOptions {
  /** PEM texts or bytes. */
  readonly tls?: { readonly key: string | Uint8Array; readonly cert: string | Uint8Array };
  /** How long a client may take to send its headers, and the whole request with its body. */
  readonly headersTimeout?: number;
  readonly requestTimeout?: number;
  /** How long an idle connection is kept: longer than reverse proxies keep theirs, or they hit closed ones. */
  readonly keepAliveTimeout?: number;
}

/** An inline filter of `/sync` travels in the query string. */
const MAX_HEADER_BYTES = 64 * 1024;

/** Answers what is no HTTP, has too large headers or is too slow; there is no request yet, so no hook sees it. */
export function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const tooSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLarge
    ? '431 Request Header Fields Too Large'
    : tooSlow
      ? '408 Request Timeout'
      : '400 Bad Request';
  if (socket.writable && error.code !== 'ECONNRESET') {
    const body = JSON.stringify(
      tooLarge
        ? new MatrixError('M_TOO_LARGE', 'The headers or the path are too large.')
        : new MatrixError(
            'M_UNKNOWN',
            tooSlow ? 'The request took too long.' : 'This is not an HTTP request.',
          ),
    );
    const headers = Object.entries({
      ...CORS_HEADERS,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    });
    socket.write(
      `HTTP/1.1 ${status}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
    );
  }
  socket.destroySoon();
}

/** The server under Fastify: with TLS or without, and with bounds on how large and how slow a request may be. */
export function createNodeServer(options: NodeServerOptions, handler: RequestListener): Server {
  const { headersTimeout = 20_000, requestTimeout = 60_000, keepAliveTimeout = 75_000 } = options;
  const settings = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: Math.min(headersTimeout, requestTimeout),
    requestTimeout,
    keepAliveTimeout,
    // How often Node looks for connections that are too slow.
    connectionsCheckingInterval: Math.min(5_000, requestTimeout),
  };
  const { tls } = options;
  if (tls === undefined) return createServer(settings, handler);
  const bytes = (pem: string | Uint8Array) => (typeof pem === 'string' ? pem : Buffer.from(pem));
  return createTlsServer(
    { ...settings, minVersion: 'TLSv1.2', key: bytes(tls.key), cert: bytes(tls.cert) },
    handler,
  );
}
