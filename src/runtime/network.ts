import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { readFileSync } from 'node:fs';
import { isIP, type LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { Agent, buildConnector, request as send, type Dispatcher } from 'undici';
import { isPublicAddress } from './addresses.js';

/** A request to another host. */
export interface OutboundRequest {
  readonly method: string;
  /** http: or https:, without user and password. */
  readonly url: URL;
  /** A `host` header also decides whose certificate is expected: so a server is asked at an address it delegated to. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Milliseconds until the whole answer must be there; by default a minute. */
  readonly timeout?: number;
  /** The largest body to be taken; by default 10 MiB. */
  readonly maxBytes?: number;
  /** How many redirects are followed (GET and HEAD only); by default none: they are answered like anything else. */
  readonly maxRedirects?: number;
}

export interface OutboundResponse {
  readonly status: number;
  /** By name in lower case; of a header given more than once, the values joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The port for the network: every request that the server makes goes through it. */
export interface Network {
  /** @throws NetworkError when there is no answer. Any status is an answer. */
  fetch(request: OutboundRequest): Promise<OutboundResponse>;
}

/**
 * - `refused`: not a request that we make (scheme, credentials in the URL, an address that is not public)
 * - `unreachable`: no such name, no connection, no trusted certificate, a broken answer
 * - `timeout`, `too_large`, `redirects`: beyond what the request allows
 * - `aborted`: by the request's signal
 */
export type NetworkErrorKind = 'refused' | 'unreachable' | 'timeout' | 'too_large' | 'redirects' | 'aborted';

export class NetworkError extends Error {
  readonly kind: NetworkErrorKind;

  constructor(kind: NetworkErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NetworkError';
    this.kind = kind;
  }
}

const DEFAULT_TIMEOUT = 60_000;
const DEFAULT_MAX_BYTES = 10 * 1024 * 1024;
const CONNECT_TIMEOUT = 10_000;
const CONNECTIONS_PER_ORIGIN = 32;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * The real network. Unless private addresses are allowed, a connection is made to public addresses only: of what a
 * name resolves to, others are left out, and the connection is to one of those very addresses, so that a name which
 * resolves differently a moment later gains nothing.
 */
export function createNetwork(options: {
  /** Certificates (PEM files) trusted besides the well-known ones. */
  readonly trustedCaFiles: readonly string[];
  readonly allowPrivateAddresses: boolean;
}): Network & { close(): Promise<void> } {
  const { trustedCaFiles, allowPrivateAddresses } = options;
  const agent = new Agent({
    connect: guardedConnector(trustedCaFiles, allowPrivateAddresses ? () => true : isPublicAddress),
    connections: CONNECTIONS_PER_ORIGIN,
    // The request's own deadline is what counts.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    fetch: (request) => fetchWithin(agent, request),
    close: () => agent.destroy(),
  };
}

type Allowed = (address: string) => boolean;

function guardedConnector(trustedCaFiles: readonly string[], allowed: Allowed): buildConnector.connector {
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT,
    lookup: guardedLookup(allowed),
    ...(trustedCaFiles.length > 0 && {
      ca: [...rootCertificates, ...trustedCaFiles.map((file) => readFileSync(file, 'utf8'))],
    }),
  });
  return (options, callback) => {
    const address = options.hostname.replace(/^\[(.*)\]$/, '$1');
    // An address is not looked up, so the guard there does not see it.
    if (isIP(address) !== 0 && !allowed(address)) {
      callback(notPublic(address), null);
      return;
    }
    connect(options, (...[error, socket]) => {
      if (error !== null) {
        callback(error, null);
      } else if (!allowed(socket.remoteAddress ?? '')) {
        socket.destroy();
        callback(notPublic(options.hostname), null);
      } else {
        callback(null, socket);
      }
    });
  };
}

/** The system's look-up without the addresses that are not allowed. */
function guardedLookup(allowed: Allowed): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses: LookupAddress[] =
        error === null ? found.filter(({ address }) => allowed(address)) : [];
      const [first] = addresses;
      if (error !== null || first === undefined) callback(error ?? notPublic(hostname), '', 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function notPublic(host: string): NetworkError {
  return new NetworkError('refused', `${host} has no address of the public Internet.`);
}

/** Requests and follows redirects, all within one deadline. */
async function fetchWithin(agent: Agent, request: OutboundRequest): Promise<OutboundResponse> {
  const deadline = AbortSignal.timeout(request.timeout ?? DEFAULT_TIMEOUT);
  const signal = request.signal === undefined ? deadline : AbortSignal.any([deadline, request.signal]);
  try {
    let { url, headers } = request;
    for (let followed = 0; ; followed += 1) {
      const response = await fetchOnce(agent, { ...request, url, headers, signal });
      const next = request.maxRedirects === undefined ? undefined : redirectOf(request, url, response);
      if (next === undefined) return response;
      if (followed === request.maxRedirects) {
        throw new NetworkError('redirects', `${request.url.host} redirects more than ${followed} times.`);
      }
      if (next.origin !== url.origin) headers = withoutCredentials(headers);
      url = next;
    }
  } catch (error) {
    throw networkError(error, request, deadline);
  }
}

async function fetchOnce(
  agent: Agent,
  request: OutboundRequest & { signal: AbortSignal },
): Promise<OutboundResponse> {
  const { url, headers, body, signal } = request;
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '') {
    throw new NetworkError('refused', `${url.protocol}//${url.host} is not a URL that this server requests.`);
  }
  const response = await send(url, {
    dispatcher: agent,
    method: request.method,
    headers: { ...headers },
    signal,
    ...(body !== undefined && { body }),
  });
  return {
    status: response.statusCode,
    headers: flat(response.headers),
    body: await readBody(response, request.maxBytes ?? DEFAULT_MAX_BYTES),
  };
}

/** Reads up to the limit; beyond it the connection is dropped. */
async function readBody({ headers, body }: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = Number(headers['content-length'] ?? 0) > maxBytes ? Infinity : 0;
  if (bytes === 0) {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) break;
      chunks.push(chunk);
    }
  }
  if (bytes > maxBytes) {
    body.on('error', () => undefined).destroy();
    throw new NetworkError('too_large', `The answer is larger than ${maxBytes} bytes.`);
  }
  return Buffer.concat(chunks);
}

function flat(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    [value].flat().join(', '),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Where the response redirects to, if that is to be followed: never from https: to http:. */
function redirectOf(request: OutboundRequest, from: URL, response: OutboundResponse): URL | undefined {
  const location = response.headers['location'];
  if (!REDIRECTS.has(response.status) || location === undefined) return undefined;
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  if (!URL.canParse(location, from.href)) return undefined;
  const next = new URL(location, from);
  if (from.protocol === 'https:' && next.protocol !== 'https:') {
    throw new NetworkError('redirects', `${from.host} redirects from https: to ${next.protocol}`);
  }
  return next;
}

/** What was meant for one host is not for another; nor is the name that it goes by. */
function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  const own = new Set(['authorization', 'cookie', 'host']);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.has(name.toLowerCase())));
}

function networkError(error: unknown, { url, signal }: OutboundRequest, deadline: AbortSignal): NetworkError {
  if (error instanceof NetworkError) return error;
  if (signal?.aborted === true)
    return new NetworkError('aborted', 'The request was given up.', { cause: error });
  if (deadline.aborted) return new NetworkError('timeout', `${url.host} took too long.`, { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new NetworkError('unreachable', `${url.host} cannot be reached: ${reason}`, { cause: error });
}
