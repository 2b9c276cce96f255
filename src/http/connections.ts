import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The connections of a server, so that it can close while they are open. Node itself ends only those that have been
 * used and are idle; browsers and clients open some ahead, and those would hold up the closing until their side
 * gives them up.
 */
export class Connections {
  readonly #open = new Set<Socket>();
  #underWay = 0;
  #closing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      if (this.#closing) {
        socket.destroy();
        return;
      }
      this.#open.add(socket);
      socket.once('close', () => {
        this.#open.delete(socket);
      });
    });
    server.on('request', (_request, response) => {
      this.#underWay++;
      response.once('close', () => {
        this.#underWay--;
        if (this.#closing && this.#underWay === 0) this.#end();
      });
    });
  }

  /**
   * Ends every connection as soon as all requests under way are answered, and after `patience` milliseconds whether
   * they are or not.
   */
  close(patience: number): void {
    this.#closing = true;
    if (this.#underWay === 0) {
      this.#end();
      return;
    }
    this.#timer = setTimeout(() => {
      for (const socket of this.#open) socket.destroy();
    }, patience);
  }

  /** What is still on its way to a client gets there. */
  #end(): void {
    clearTimeout(this.#timer);
    for (const socket of this.#open) socket.destroySoon();
  }
}
