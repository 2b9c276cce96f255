import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import type { AppOptions } from '../../src/http/app.js';
import type { Route } from '../../src/http/route.js';
import { anApp } from './support/app.js';

const echo: Route = {
  module: 'create_room',
  name: 'createRoom',
  method: 'POST',
  paths: ['/echo'],
  auth: 'none',
  handler: ({ body, address }) => ({ body, address }),
};

const running: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function listen(options: Partial<AppOptions> = {}): Promise<URL> {
  const server = anApp([echo], options);
  running.push(server);
  return new URL(await server.listen({ port: 0, host: '127.0.0.1' }));
}

/** Sends text over a connection of its own, and returns all that comes back until the server ends it. */
async function send(address: URL, bytes: string): Promise<{ head: string; body: { errcode: string } }> {
  const socket = connect(Number(address.port), address.hostname);
  socket.write(bytes);
  const [head = '', body = '{}'] = (await text(socket)).split('\r\n\r\n');
  return { head, body: JSON.parse(body) as { errcode: string } };
}

describe('the server', () => {
  it('answers what is no HTTP, and goes on', async () => {
    const address = await listen();
    const { head, body } = await send(address, 'nonsense\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(head).toContain('access-control-allow-origin: *');
    expect(body.errcode).toBe('M_UNKNOWN');
    expect((await fetch(new URL('/echo', address), { method: 'POST' })).status).toBe(200);
  });

  it('refuses headers that are too large', async () => {
    const { head, body } = await send(
      await listen(),
      `GET /${'x'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    expect(head).toMatch(/^HTTP\/1\.1 431 /);
    expect(body.errcode).toBe('M_TOO_LARGE');
  });

  it('gives up on clients that take too long over headers or body', async () => {
    const address = await listen({ requestTimeout: 100 });
    const slow = 'POST /echo HTTP/1.1\r\nHost: x\r\n';
    for (const part of [slow, `${slow}Content-Length: 10\r\n\r\n{"a"`]) {
      const { head, body } = await send(address, part);
      expect(head).toMatch(/^HTTP\/1\.1 408 /);
      expect(body.errcode).toBe('M_UNKNOWN');
    }
  });

  it('stops reading a body without a length when it is too large', async () => {
    const address = await listen({ bodyLimit: 1000 });
    const chunk = `${(2000).toString(16)}\r\n${'x'.repeat(2000)}\r\n`;
    const { head, body } = await send(
      address,
      `POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
    );
    expect(head).toMatch(/^HTTP\/1\.1 413 /);
    expect(body.errcode).toBe('M_TOO_LARGE');
  });

  it('speaks TLS', async () => {
    const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
    const address = await listen({ tls: { key: pem('localhost.key'), cert: pem('localhost.crt') } });
    address.protocol = 'https:';
    const sent = request(new URL('/echo', address), {
      method: 'POST',
      ca: pem('localhost.crt'),
      servername: 'localhost',
    });
    sent.end('{"name":"Kitchen"}');
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
    expect(JSON.parse(await text(response))).toMatchObject({ body: { name: 'Kitchen' } });
  });

  it('believes proxies about addresses only where it is told to', async () => {
    // Whatever a client says of itself stands before what the proxies have added.
    const headers = { 'x-forwarded-for': '192.0.2.1, 198.51.100.9, 203.0.113.7' };
    for (const [proxies, expected] of [
      [0, '127.0.0.1'],
      [1, '203.0.113.7'],
      [2, '198.51.100.9'],
    ] as const) {
      const response = await fetch(new URL('/echo', await listen({ proxies })), {
        method: 'POST',
        headers,
      });
      expect(await response.json()).toMatchObject({ address: expected });
    }
  });
});
