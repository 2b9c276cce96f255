import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Which way: from the client there, or the answers back. */
export type Way = 'there' | 'back';

/**
 * A way to a server on which things happen as they do on networks: it is cut, it stalls, it is slow. The server
 * itself goes on.
 */
export interface TcpGate {
  /** On 127.0.0.1; it stays the same. */
  readonly port: number;
  /** Bytes that came from the client since the gate was made. */
  readonly received: number;
  /** Breaks all connections; what was held is lost. Others can be made at once. */
  drop(): void;
  /** Breaks all connections, and takes none until it is opened. */
  cut(): Promise<void>;
  open(): Promise<void>;
  /** Lets nothing through, one way or both, until `flow`: it arrives then, if nothing is cut before. */
  hold(...ways: readonly Way[]): void;
  flow(): void;
  /** Lets everything through so many milliseconds later. */
  slow(milliseconds: number): void;
  close(): Promise<void>;
}

interface Passage {
  readonly sockets: Readonly<Record<Way, Socket>>;
}

/** Opens a gate on this machine to a port, of this machine unless it is said otherwise. */
export async function openGate(target: number, host = '127.0.0.1'): Promise<TcpGate> {
  const passages = new Set<Passage>();
  const held = new Set<Way>();
  let delay = 0;
  let received = 0;
  let port = 0;

  const serve = (client: Socket): void => {
    const server = connect(target, host);
    // What comes from the client goes there, what comes from the server goes back.
    const passage: Passage = { sockets: { there: client, back: server } };
    passages.add(passage);
    pass(client, server, (bytes) => (received += bytes));
    pass(server, client, () => undefined);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        passages.delete(passage);
        client.destroy();
        server.destroy();
      });
    }
    for (const way of held) passage.sockets[way].pause();
  };
  const pass = (from: Socket, to: Socket, count: (bytes: number) => void): void => {
    from.on('data', (chunk: Buffer) => {
      count(chunk.byteLength);
      if (delay === 0) to.write(chunk);
      else setTimeout(() => to.write(chunk), delay);
    });
  };
  let listener: Server = createServer(serve);
  const listen = async (): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(port, '127.0.0.1', resolve);
    });
    port = (listener.address() as AddressInfo).port;
  };
  await listen();

  const gate: TcpGate = {
    get port() {
      return port;
    },
    get received() {
      return received;
    },
    drop() {
      for (const { sockets } of passages) sockets.there.resetAndDestroy();
    },
    async cut() {
      const closed = new Promise((resolve) => {
        listener.close(resolve);
      });
      gate.drop();
      await closed;
    },
    async open() {
      listener = createServer(serve);
      await listen();
    },
    hold(...ways) {
      for (const way of ways) {
        held.add(way);
        for (const { sockets } of passages) sockets[way].pause();
      }
    },
    flow() {
      for (const way of held) for (const { sockets } of passages) sockets[way].resume();
      held.clear();
    },
    slow(milliseconds) {
      delay = milliseconds;
    },
    async close() {
      if (listener.listening) await gate.cut();
    },
  };
  return gate;
}
