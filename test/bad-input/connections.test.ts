import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { MatrixClient, matrixPath } from '../support/matrix-client.js';
import { serveFolder, type ServedServer } from '../support/served-server.js';
import { until } from '../support/until.js';

const PASSWORD = 'a password that is long enough';
const POLLS = 2000;

const folder = temporaryFolder();
let server: ServedServer;
let visitor: MatrixClient;
let alice: MatrixClient;
let roomId: string;

beforeAll(async () => {
  server = await serveFolder(folder.path, { ENGRAM_LIMITS__SEND_SECONDS: '1' });
  visitor = new MatrixClient(server.url);
  alice = await visitor.register('alice', PASSWORD);
  ({ room_id: roomId } = (await alice.ok('POST', 'v3/createRoom', { body: {} })) as { room_id: string });
});
afterAll(async () => {
  await visitor.close();
  await server.stop();
  folder.remove();
});

async function connection(): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Everything that comes back until the server ends the connection. */
async function exchange(bytes: string | Buffer): Promise<string> {
  const socket = await connection();
  let got = '';
  socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
  socket.write(bytes);
  await once(socket, 'close');
  return got;
}

/** How much memory and how many files a process has is read where Linux says so. */
const isLinux = process.platform === 'linux';

const statuses = (answers: string) =>
  [...answers.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);

/** Bytes of memory, and open files, of the server's process. */
function use(): { memory: number; files: number } {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  const kilobytes = Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0);
  return { memory: kilobytes * 1024, files: readdirSync(`/proc/${server.pid}/fd`).length };
}

/** That the server is well: somebody sends, and reads it back. */
let sent = 0;
async function works(): Promise<void> {
  const body = `works ${++sent}`;
  await alice.ok('PUT', matrixPath`v3/rooms/${roomId}/send/m.room.message/${body}`, { body: { body } });
  const page = await alice.ok('GET', matrixPath`v3/rooms/${roomId}/messages`, {
    query: { dir: 'b', limit: 1 },
  });
  expect(JSON.stringify(page['chunk'])).toContain(body);
}

describe('requests in requests', () => {
  const HIDDEN = 'GET /_matrix/client/versions HTTP/1.1\r\nHost: x\r\n\r\n';
  const post = (headers: string, body: string) =>
    `POST /_matrix/client/v3/login HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}`;

  it.each([
    ['a length and chunks', post('Content-Length: 5\r\nTransfer-Encoding: chunked', `0\r\n\r\n${HIDDEN}`)],
    ['chunks and a length', post('Transfer-Encoding: chunked\r\nContent-Length: 5', `0\r\n\r\n${HIDDEN}`)],
    ['two lengths', post('Content-Length: 2\r\nContent-Length: 90', `{}${HIDDEN}`)],
    ['two lengths in one', post('Content-Length: 2, 90', `{}${HIDDEN}`)],
    ['a length that is signed', post('Content-Length: +2', `{}${HIDDEN}`)],
    ['a length that is negative', post('Content-Length: -2', `{}${HIDDEN}`)],
    ['a length in hexadecimal digits', post('Content-Length: 0x2', `{}${HIDDEN}`)],
    ['chunks by an unknown name', post('Transfer-Encoding: xchunked', `0\r\n\r\n${HIDDEN}`)],
    [
      'chunks that are not the last encoding',
      post('Transfer-Encoding: chunked, identity', `0\r\n\r\n${HIDDEN}`),
    ],
    ['a space before the colon', post('Transfer-Encoding : chunked', `0\r\n\r\n${HIDDEN}`)],
    ['a header over two lines', post('X: a\r\n b\r\nContent-Length: 2', `{}${HIDDEN}`)],
    ['lines that end with a line feed alone', `GET /_matrix/client/versions HTTP/1.1\nHost: x\n\n${HIDDEN}`],
    [
      'a chunk with a size that is none',
      post('Transfer-Encoding: chunked', `zz\r\n{}\r\n0\r\n\r\n${HIDDEN}`),
    ],
    [
      'a chunk with a size beyond all sizes',
      post('Transfer-Encoding: chunked', `ffffffffffffffffff\r\n{}\r\n${HIDDEN}`),
    ],
    [
      'a chunk that is longer than it says',
      post('Transfer-Encoding: chunked', `1\r\n{}\r\n0\r\n\r\n${HIDDEN}`),
    ],
    ['a NUL in a header', post('X: a\0b\r\nContent-Length: 2', `{}${HIDDEN}`)],
    ['a carriage return in a header', post('X: a\rContent-Length: 2', `{}${HIDDEN}`)],
    ['no host', `GET /_matrix/client/versions HTTP/1.1\r\n\r\n${HIDDEN}`],
    ['another version of HTTP', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${HIDDEN}`],
    ['a method that there is not', `SMUGGLE / HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`],
    ['bytes of TLS', Buffer.from('16030100c8010000c40303', 'hex')],
  ])('are not taken out of %s', async (_what, bytes) => {
    const answers = statuses(await exchange(Buffer.concat([Buffer.from(bytes), Buffer.from(HIDDEN)])));
    expect(answers.filter((status) => status === '200')).toEqual([]);
    expect(answers.length).toBeLessThanOrEqual(2);
    expect(answers.at(-1)).toBe('400');
    await works();
  });
});

describe('headers', () => {
  it('in a flood are refused, by their size', async () => {
    const many = Array.from({ length: 20_000 }, (_, n) => `X-${n}: y\r\n`).join('');
    const answers = await exchange(`GET / HTTP/1.1\r\nHost: x\r\n${many}\r\n`);
    expect(statuses(answers)).toEqual(['431']);
    expect(answers).toContain('"errcode":"M_TOO_LARGE"');
    await works();
  });

  it('that never end are refused too, and as many as fit are taken', async () => {
    const endless = await exchange(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(200_000)}`);
    expect(statuses(endless)).toEqual(['431']);
    const many = Array.from({ length: 1000 }, (_, n) => `X-${n}: y\r\n`).join('');
    const taken = await exchange(
      `GET /_matrix/client/versions HTTP/1.1\r\nHost: x\r\n${many}Connection: close\r\n\r\n`,
    );
    expect(statuses(taken)).toEqual(['200']);
  });
});

describe('a body that is cut off', () => {
  it('does nothing', async () => {
    const content = JSON.stringify({ body: 'never to be seen' });
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message`;
    const head = (nth: number, more: string) =>
      `PUT ${path}/cut${nth} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${alice.token ?? ''}\r\n${more}\r\n\r\n`;
    for (let cut = 0; cut < content.length; cut += 3) {
      const socket = await connection();
      socket.write(head(cut, `Content-Length: ${content.length}`) + content.slice(0, cut));
      socket.destroySoon();
      await once(socket, 'close');
    }
    const chunked = await connection();
    chunked.write(
      `${head(-1, 'Transfer-Encoding: chunked')}${content.length.toString(16)}\r\n${content}\r\n`,
    );
    chunked.destroySoon();
    await once(chunked, 'close');
    await works();
    const page = await alice.ok('GET', matrixPath`v3/rooms/${roomId}/messages`, {
      query: { dir: 'b', limit: 100 },
    });
    expect(JSON.stringify(page)).not.toContain('never to be seen');
  });
});

describe('polls', () => {
  async function poll(client: MatrixClient, since: string): Promise<Socket> {
    const socket = await connection();
    const path = `/_matrix/client/v3/sync?since=${since}&timeout=60000`;
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${client.token ?? ''}\r\n\r\n`);
    return socket;
  }

  it.skipIf(!isLinux)(`by the thousand are held, ${POLLS} of them, and let go (Linux)`, async () => {
    const before = use();
    const users = await Promise.all(
      Array.from({ length: 20 }, (_, n) => visitor.register(`poller${n}`, PASSWORD)),
    );
    const sockets: Socket[] = [];
    for (const user of users) {
      const { next_batch: since } = (await user.ok('GET', 'v3/sync')) as { next_batch: string };
      // Of a user's polls the newest are held, as many as a user may have; the others are answered, with nothing new.
      for (let n = 0; n < POLLS / users.length; n++) sockets.push(await poll(user, since));
    }
    let answered = 0;
    for (const socket of sockets) socket.once('data', () => answered++);
    await until(() => answered === POLLS - users.length * 5);
    const during = use();
    expect(during.files - before.files).toBeGreaterThanOrEqual(POLLS);
    expect(during.memory - before.memory).toBeLessThan(300_000_000);
    await works();
    for (const socket of sockets) socket.destroy();
    await until(() => use().files < before.files + 100);
    await works();
  });
});

describe('clients that do not read their answers', () => {
  it.skipIf(!isLinux)('lose their connections, and nobody else notices (Linux)', async () => {
    const hoarder = await visitor.register('hoarder', PASSWORD);
    for (let n = 0; n < 20; n++) {
      const body = { text: 'x'.repeat(500_000) };
      await hoarder.ok('PUT', matrixPath`v3/user/${hoarder.userId}/account_data/org.example.${String(n)}`, {
        body,
      });
    }
    // What was written is read back, so that it is in the read models, too.
    await hoarder.ok('GET', matrixPath`v3/user/${hoarder.userId}/account_data/org.example.19`);
    const before = use();
    const sockets = await Promise.all(
      Array.from({ length: 24 }, async () => {
        const socket = await connection();
        socket.pause();
        socket.write(
          `GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${hoarder.token ?? ''}\r\n\r\n`,
        );
        return socket;
      }),
    );
    await works();
    // Not twenty-four times ten megabytes: only so many answers of a user wait to be read.
    expect(use().memory - before.memory).toBeLessThan(200_000_000);
    await until(() => use().files <= before.files + 2);
    for (const socket of sockets) socket.destroy();
    await works();
  });
});
