import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that a test can cut: connections to `port` go to the server as long as it is open. */
export class TcpGate {
  readonly port: number;
  readonly #host: string;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #hangs = false;

  static async to(host: string, port: number): Promise<TcpGate> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpGate(server, host, port);
  }

  private constructor(server: Server, host: string, target: number) {
    this.port = (server.address() as AddressInfo).port;
    this.#host = host;
    this.#target = target;
    this.#serve(server);
  }

  /** As if the server was stopped: connections end, and new ones are refused. */
  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.close();
    for (const socket of this.#sockets) socket.destroy();
    if (server !== undefined) await once(server, 'close');
  }

  /** As if the network was gone: connections stay, and nothing comes through. */
  hang(): void {
    this.#hangs = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** As if the server, or the network, was back. */
  async open(): Promise<void> {
    this.#hangs = false;
    for (const socket of this.#sockets) socket.resume();
    if (this.#server !== undefined) return;
    const server = createServer();
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.#serve(server);
  }

  #serve(server: Server): void {
    this.#server = server;
    server.on('connection', (client) => {
      const upstream = connect(this.#target, this.#host);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (chunk) => to.write(chunk));
        from.on('error', () => undefined);
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        if (this.#hangs) from.pause();
      }
    });
  }
}
