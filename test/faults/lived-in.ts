import { MatrixClient, matrixPath } from '../support/matrix-client.js';
import { serveFolder, type ServedServer } from '../support/served-server.js';
import { seenByAll } from './seen.js';
import { Gate } from './gate.js';

const PASSWORD = 'a password of no weight';
const ROOMS = 3;
const MESSAGES = 40;

/** A server with some history, in a folder of its own, on the embedded stores whatever the test run names. */
export interface LivedIn {
  readonly server: ServedServer;
  /** Alice, who makes and sends, Bob and Carol, who are in her rooms. */
  readonly clients: readonly [MatrixClient, MatrixClient, MatrixClient];
  readonly rooms: readonly string[];
  /** Sends a message to the first room: the status and body of the answer. */
  send(text: string): ReturnType<MatrixClient['request']>;
  /** What everybody is told of everything. */
  seen(): ReturnType<typeof seenByAll>;
  /** Stops the server, if it runs, and lets the connections go. */
  end(): Promise<void>;
}

/** @param more settings by their environment variables */
export async function liveIn(folder: string, more: Readonly<Record<string, string>> = {}): Promise<LivedIn> {
  const resources = { ENGRAM_LISTENERS__0__RESOURCES: '[client, health, metrics]' };
  const server = await serveFolder(folder, { ...resources, ...more });
  const register = (name: string) => new MatrixClient(server.url).register(name, PASSWORD);
  const alice = await register('alice');
  const others = [await register('bob'), await register('carol')] as const;
  const clients = [alice, ...others] as const;
  const rooms: string[] = [];
  let sent = 0;
  const send = (text: string) => {
    const path = matrixPath`v3/rooms/${rooms[sent % rooms.length] ?? ''}/send/m.room.message/${`t${++sent}`}`;
    return alice.request('PUT', path, { body: { msgtype: 'm.text', body: text } });
  };
  for (let room = 0; room < ROOMS; room++) {
    const { room_id } = await alice.ok('POST', 'v3/createRoom', { body: { preset: 'public_chat' } });
    if (typeof room_id !== 'string') throw new Error('A room without an ID.');
    rooms.push(room_id);
    for (const client of others) {
      await client.ok('POST', matrixPath`v3/rooms/${room_id}/join`, { body: {} });
    }
  }
  for (let i = 0; i < MESSAGES; i++) await send(`message ${i} ${'z'.repeat(10 * i)}`);
  return {
    server,
    clients,
    rooms,
    send,
    seen: () => seenByAll({ gate: new Gate(), clients }),
    async end() {
      await server.kill();
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

/** The body of `/health`, with its status. */
export async function healthOf({ server }: LivedIn): Promise<{ status: number; parts: unknown }> {
  const answer = await fetch(`${server.url}/health`);
  return { status: answer.status, parts: ((await answer.json()) as { parts: unknown }).parts };
}
