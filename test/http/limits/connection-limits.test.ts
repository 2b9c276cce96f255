import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { text } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import type { AppOptions } from '../../../src/http/app.js';
import type { Route } from '../../../src/http/route.js';
import { anApp } from '../support/app.js';
import { until } from '../../support/until.js';

const LARGE = 'x'.repeat(16 * 1024 * 1024);

let waiting = 0;

const ROUTES: Route[] = [
  { path: '/small', handler: () => ({ ok: true }) },
  { path: '/large', handler: () => ({ text: LARGE }) },
  {
    path: '/poll',
    handler: ({ signal }: { signal: AbortSignal }) => {
      waiting++;
      return new Promise<object>((resolve) => {
        signal.addEventListener('abort', () => {
          waiting--;
          resolve({});
        });
      });
    },
  },
].map(({ path, handler }) => ({
  module: 'versions',
  name: 'getVersions',
  method: 'GET',
  paths: [path],
  auth: 'none',
  handler,
}));

const running: FastifyInstance[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(running.splice(0).map((app) => app.close()));
  waiting = 0;
});

async function listen(options: Partial<AppOptions>): Promise<number> {
  const app = anApp(ROUTES, { isExempt: () => false, closingPatience: 0, ...options });
  running.push(app);
  return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
}

async function connection(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

/** What comes back to a request, up to where it can be told what it is. */
async function answerTo(socket: Socket, request: string): Promise<string> {
  socket.write(request);
  let got = '';
  while (!got.includes('\r\n\r\n{')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    got += chunk.toString();
  }
  return got;
}

describe('connections', () => {
  it('beyond what an address may have are told so, and far beyond are ended', async () => {
    const port = await listen({ connectionsPerAddress: 2 });
    const [first, second, third, fourth] = [
      await connection(port),
      await connection(port),
      await connection(port),
      await connection(port),
    ];
    for (const socket of [first, second]) expect(await answerTo(socket, ask('/small'))).toMatch(/ 200 OK/);
    third.write(ask('/small'));
    const refusal = await text(third);
    expect(refusal).toMatch(/^HTTP\/1\.1 429 /);
    expect(refusal).toMatch(/retry-after: 5\r\n/i);
    expect(refusal).toContain('"errcode":"M_LIMIT_EXCEEDED"');
    first.destroy();
    fourth.destroy();
    await until(async () => (await answerTo(await connection(port), ask('/small'))).includes(' 200 OK'));
    const many = await Promise.all(Array.from({ length: 8 }, () => connection(port)));
    await until(() => many.filter(({ closed }) => closed).length >= 4);
  });

  it('with TLS are counted alike', async () => {
    const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));
    const tls = { key: pem('localhost.key'), cert: pem('localhost.crt') };
    const port = await listen({ connectionsPerAddress: 1, tls });
    const open = async () => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      sockets.push(socket);
      await once(socket, 'secureConnect');
      return socket;
    };
    expect(await answerTo(await open(), ask('/small'))).toMatch(/ 200 OK/);
    expect(await answerTo(await open(), ask('/small'))).toMatch(/ 429 /);
  });

  it('of this machine are not counted', async () => {
    const port = await listen({ connectionsPerAddress: 1, isExempt: (address) => address === '127.0.0.1' });
    for (let n = 0; n < 4; n++) {
      expect(await answerTo(await connection(port), ask('/small'))).toMatch(/ 200 OK/);
    }
  });

  it('on which more is asked than anybody needs are ended', async () => {
    const port = await listen({});
    const socket = await connection(port);
    socket.write(ask('/poll').repeat(64));
    await until(() => waiting === 64);
    socket.write(ask('/poll'));
    await once(socket, 'close');
    await until(() => waiting === 0);
  });
});

describe('a client that does not read its answer', () => {
  it('loses its connection', async () => {
    const port = await listen({ sendTimeout: 100 });
    const socket = await connection(port);
    socket.pause();
    socket.write(ask('/large'));
    await new Promise((resolve) => {
      running[0]?.server.once('connection', resolve);
      void connection(port);
    });
    await until(() => countConnections(running[0]).then((count) => count === 1));
  });

  it('keeps it while it reads, however slowly', async () => {
    const port = await listen({ sendTimeout: 1000 });
    const socket = await connection(port);
    socket.write(ask('/large'));
    let got = 0;
    const began = performance.now();
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      got += chunk.length;
      // Slower than the time in which something has to be taken, on the whole.
      if (performance.now() - began < 2000) await new Promise((resolve) => setTimeout(resolve, 10));
      if (got > LARGE.length) break;
    }
    expect(got).toBeGreaterThan(LARGE.length);
    expect(performance.now() - began).toBeGreaterThan(1500);
  });

  it('may wait for the next one as long as it likes', async () => {
    const port = await listen({ sendTimeout: 50 });
    const socket = await connection(port);
    expect(await answerTo(socket, ask('/small') + ask('/poll'))).toContain('"ok":true');
    await until(() => waiting === 1);
    const end = performance.now() + 300;
    await until(() => performance.now() > end);
    expect([socket.closed, waiting]).toEqual([false, 1]);
  });
});

function countConnections(app: FastifyInstance | undefined): Promise<number> {
  return new Promise((resolve) => {
    app?.server.getConnections((_error, count) => {
      resolve(count);
    });
  });
}
