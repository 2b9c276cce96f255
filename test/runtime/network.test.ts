import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createNetwork, NetworkError, type OutboundRequest } from '../../src/runtime/network.js';

const TLS = join(import.meta.dirname, '..', 'fixtures', 'tls');
const CERT_FILE = join(TLS, 'localhost.crt');

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function network(options: { private?: boolean; trusted?: string[] } = {}): ReturnType<typeof createNetwork> {
  const created = createNetwork({
    trustedCaFiles: options.trusted ?? [],
    allowPrivateAddresses: options.private ?? true,
  });
  closers.push(() => created.close());
  return created;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const serve = (listener: RequestListener): Promise<number> => listen(createServer(listener));

const serveTls = (listener: RequestListener): Promise<number> =>
  listen(
    createTlsServer(
      { cert: readFileSync(CERT_FILE), key: readFileSync(join(TLS, 'localhost.key')) },
      listener,
    ),
  );

function get(url: string, more: Partial<OutboundRequest> = {}): OutboundRequest {
  return { method: 'GET', url: new URL(url), headers: {}, ...more };
}

async function failure(promise: Promise<unknown>): Promise<NetworkError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof NetworkError) return error;
  throw new Error('There is no network error.', { cause: error });
}

describe('a request', () => {
  it('is answered, with its body and headers', async () => {
    const port = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(418, { 'X-Method': request.method, 'X-Twice': ['a', 'b'] });
        response.end(`${request.headers['x-mine'] as string} ${Buffer.concat(chunks).toString()}`);
      });
    });
    const response = await network().fetch({
      method: 'PUT',
      url: new URL(`http://localhost:${port}/x?y`),
      headers: { 'X-Mine': 'hello' },
      body: Buffer.from('world'),
    });
    expect(response.status).toBe(418);
    expect(response.headers).toMatchObject({ 'x-method': 'PUT', 'x-twice': 'a, b' });
    expect(Buffer.from(response.body).toString()).toBe('hello world');
  });

  it.each(['ftp://localhost/', 'file:///etc/passwd', 'http://me:secret@localhost/', 'data:,x'])(
    'to %s is refused, and its credentials are not told',
    async (url) => {
      const error = await failure(network().fetch(get(url)));
      expect(error.kind).toBe('refused');
      expect(error.message).not.toContain('secret');
    },
  );

  it('to nobody is unreachable', async () => {
    const server = createTcpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect((await failure(network().fetch(get(`http://127.0.0.1:${port}/`)))).kind).toBe('unreachable');
    expect((await failure(network().fetch(get('http://name.invalid/')))).kind).toBe('unreachable');
  });

  it('answered by nonsense is unreachable', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined).end('SSH-2.0-x\r\n\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    expect((await failure(network().fetch(get(`http://127.0.0.1:${port}/`)))).kind).toBe('unreachable');
  });
});

describe('private addresses', () => {
  it.each([
    'http://127.0.0.1:PORT/',
    'http://localhost:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://0.0.0.0:PORT/',
    'http://169.254.169.254/latest/meta-data',
    'https://localhost:PORT/',
  ])('%s is refused before anything is sent', async (url) => {
    let connections = 0;
    const server = createServer((_, response) => response.end());
    server.on('connection', () => (connections += 1));
    const port = await listen(server);
    const error = await failure(network({ private: false }).fetch(get(url.replace('PORT', String(port)))));
    expect(error.kind).toBe('refused');
    expect(connections).toBe(0);
  });
});

describe('limits', () => {
  it.each([
    ['announced', { 'content-length': '1000001' }],
    ['not announced', {}],
  ])('a body that is too large, %s, is dropped', async (_, headers) => {
    const port = await serve((_request, response) => {
      response.writeHead(200, headers);
      // Without an end: only dropping the connection stops it.
      const more = (): void => {
        while (response.write(Buffer.alloc(65536)));
      };
      response.on('drain', more);
      more();
    });
    const error = await failure(network().fetch(get(`http://127.0.0.1:${port}/`, { maxBytes: 1_000_000 })));
    expect(error.kind).toBe('too_large');
  });

  it('a body of exactly the limit is taken', async () => {
    const port = await serve((_, response) => response.end(Buffer.alloc(1000)));
    const fetched = await network().fetch(get(`http://127.0.0.1:${port}/`, { maxBytes: 1000 }));
    expect(fetched.body).toHaveLength(1000);
    expect((await failure(network().fetch(get(`http://127.0.0.1:${port}/`, { maxBytes: 999 })))).kind).toBe(
      'too_large',
    );
  });

  it.each([
    ['no answer', (): undefined => undefined],
    [
      'an answer without end',
      (_: unknown, response: { write(text: string): unknown }) => response.write('x'),
    ],
  ])('%s ends in time', async (_, listener) => {
    const port = await serve(listener);
    const error = await failure(network().fetch(get(`http://127.0.0.1:${port}/`, { timeout: 50 })));
    expect(error.kind).toBe('timeout');
  });

  it('a request can be given up', async () => {
    const abort = new AbortController();
    const port = await serve(() => {
      abort.abort();
    });
    const error = await failure(network().fetch(get(`http://127.0.0.1:${port}/`, { signal: abort.signal })));
    expect(error.kind).toBe('aborted');
  });
});

describe('redirects', () => {
  it('are followed as often as is said, without credentials to other hosts', async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end('there');
    });
    const port = await serve((request, response) => {
      seen.push(request.headers.authorization);
      const location = request.url === '/' ? '/again' : `http://localhost:${other}/`;
      response.writeHead(307, { location }).end();
    });
    const request = get(`http://127.0.0.1:${port}/`, { headers: { Authorization: 'X' } });
    const response = await network().fetch({ ...request, maxRedirects: 2 });
    expect(Buffer.from(response.body).toString()).toBe('there');
    expect(seen).toEqual(['X', 'X', undefined]);
    expect((await failure(network().fetch({ ...request, maxRedirects: 1 }))).kind).toBe('redirects');
    expect((await network().fetch(request)).status).toBe(307);
    expect((await network().fetch({ ...request, method: 'POST', maxRedirects: 2 })).status).toBe(307);
  });

  it('from https: to http: are not followed', async () => {
    const port = await serveTls((_, response) =>
      response.writeHead(301, { location: 'http://localhost/' }).end(),
    );
    const request = get(`https://localhost:${port}/`, { maxRedirects: 5 });
    expect((await failure(network({ trusted: [CERT_FILE] }).fetch(request))).kind).toBe('redirects');
  });
});

describe('TLS', () => {
  it('is trusted by file, and not without', async () => {
    const port = await serveTls((_, response) => response.end('secure'));
    const response = await network({ trusted: [CERT_FILE] }).fetch(get(`https://localhost:${port}/`));
    expect(Buffer.from(response.body).toString()).toBe('secure');
    expect((await failure(network().fetch(get(`https://localhost:${port}/`)))).kind).toBe('unreachable');
  });

  it('expects the certificate of the host header', async () => {
    const names: unknown[] = [];
    const port = await serveTls((request, response) => {
      names.push(['servername' in request.socket && request.socket.servername, request.headers.host]);
      response.end();
    });
    const trusting = network({ trusted: [CERT_FILE] });
    const ask = (host: string): Promise<unknown> =>
      trusting.fetch(get(`https://127.0.0.1:${port}/`, { headers: { host } }));
    await ask('example.test');
    await ask('localhost:1234');
    expect(names).toEqual([
      ['example.test', 'example.test'],
      ['localhost', 'localhost:1234'],
    ]);
    expect((await failure(ask('example.org'))).kind).toBe('unreachable');
  });
});
