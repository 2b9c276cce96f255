import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Connections } from '../../src/http/connections.js';

let server: Server;
let connections: Connections;
let waiting: ServerResponse[];
let asked: () => void;

beforeEach(async () => {
  waiting = [];
  server = createServer((request, response) => {
    if (request.url === '/wait') waiting.push(response);
    else response.end('answer');
    asked();
  });
  connections = new Connections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** A connection that the server has accepted. */
async function connection(): Promise<Socket> {
  const accepted = once(server, 'connection');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await accepted;
  return socket;
}

async function asking(path: string): Promise<{ readonly socket: Socket; readonly heard: Promise<string> }> {
  const socket = await connection();
  const arrived = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const heard = new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('close', () => {
      resolve(text);
    });
    socket.on('error', () => undefined);
  });
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await arrived;
  return { socket, heard };
}

function closed(): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}

it('ends connections on which nothing was ever asked, and those that were kept', async () => {
  const unused = await connection();
  const kept = await asking('/');
  await once(kept.socket, 'data');
  unused.resume();
  connections.close(60_000);
  await closed();
  expect(await kept.heard).toContain('answer');
});

it('lets what is under way be answered', async () => {
  const unused = await connection();
  unused.resume();
  const { heard } = await asking('/wait');
  connections.close(60_000);
  const closing = closed();
  waiting[0]?.end('late answer');
  await closing;
  expect(await heard).toContain('late answer');
});

it('ends what is not answered in time', async () => {
  const { heard } = await asking('/wait');
  connections.close(1);
  await closed();
  expect(await heard).toBe('');
});

it('takes no connection any more', async () => {
  const { heard } = await asking('/wait');
  connections.close(60_000);
  const late = connect((server.address() as AddressInfo).port, '127.0.0.1');
  late.on('error', () => undefined);
  late.resume();
  await once(late, 'close');
  const closing = closed();
  waiting[0]?.end('answer');
  await closing;
  expect(await heard).toContain('answer');
});
