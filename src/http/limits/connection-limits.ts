import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CORS_HEADERS } from '../cors.js';
import { addressKey, isLoopback } from './address-key.js';
import { limitExceeded } from './rate-limits.js';

/** Numbers of connections and requests; durations in milliseconds. */
export interface ConnectionLimitOptions {
  /** Of all clients. */
  readonly connections?: number;
  /** Of one address; absent where all come through a proxy. */
  readonly connectionsPerAddress?: number;
  /** How long a client may take nothing of an answer. */
  readonly sendTimeout?: number;
  /** Addresses that are not counted; by default those of this machine. */
  readonly isExempt?: (address: string) => boolean;
}

/** No client asks for so much before it has read an answer. */
const MOST_UNDER_WAY = 64;
const SEND_TIMEOUT = 30_000;
/** What a client with too many connections is told to wait, in milliseconds. */
const RETRY_AFTER = 5000;

/**
 * Bounds on connections: how many there are, by address, how many requests are under way on one, and how long a
 * client may leave an answer unread. What comes over too many connections is told so; far too many are ended
 * without a word, since that costs too.
 */
export class ConnectionLimits {
  readonly #perAddress: number;
  readonly #sendTimeout: number;
  readonly #isExempt: (address: string) => boolean;
  readonly #byAddress = new Map<string, number>();
  readonly #excess = new WeakSet<Socket>();
  readonly #underWay = new WeakMap<Socket, Set<ServerResponse>>();

  constructor(options: ConnectionLimitOptions) {
    this.#perAddress = options.connectionsPerAddress ?? Infinity;
    this.#sendTimeout = options.sendTimeout ?? SEND_TIMEOUT;
    this.#isExempt = options.isExempt ?? isLoopback;
  }

  /** Addresses with connections that are counted. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  /** @param most connections to the server, beyond which the system is told to refuse */
  watch(server: Server, most?: number): void {
    if (most !== undefined) server.maxConnections = most;
    server.on('connection', (socket: Socket) => {
      this.#count(socket);
    });
    // With TLS this is another object than the connection's.
    server.on('secureConnection', (socket: Socket) => {
      const address = socket.remoteAddress ?? '';
      if ((this.#byAddress.get(addressKey(address)) ?? 0) > this.#perAddress) this.#excess.add(socket);
    });
  }

  /** Whether a request goes on; else it is answered, or its connection ended. */
  admits({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const underWay = this.#underWayOn(socket);
    if (underWay.size >= MOST_UNDER_WAY) {
      socket.destroy();
      return false;
    }
    underWay.add(response);
    response.once('close', () => {
      underWay.delete(response);
      // The time to take the answer must not run on for a poll that was sent before it was read.
      if (underWay.size > 0) socket.setTimeout(0);
    });
    if (!this.#excess.has(socket)) return true;
    refuse(response);
    return false;
  }

  /** An answer is about to be sent: the client has to take it. Node ends what takes nothing of it for so long. */
  sends({ socket }: IncomingMessage): void {
    if (this.#underWay.has(socket)) socket.setTimeout(this.#sendTimeout);
  }

  /**
   * The responses that a connection waits for. When it is lost, Node closes the one that is being sent, and forgets
   * those behind it: they are told here, so that nobody waits for them for ever.
   */
  #underWayOn(socket: Socket): Set<ServerResponse> {
    const known = this.#underWay.get(socket);
    if (known !== undefined) return known;
    const underWay = new Set<ServerResponse>();
    this.#underWay.set(socket, underWay);
    socket.once('close', () => {
      for (const response of underWay) response.emit('close');
    });
    return underWay;
  }

  #count(socket: Socket): void {
    const { remoteAddress = '' } = socket;
    if (this.#perAddress === Infinity || this.#isExempt(remoteAddress)) return;
    const key = addressKey(remoteAddress);
    const count = (this.#byAddress.get(key) ?? 0) + 1;
    if (count > 2 * this.#perAddress) {
      socket.destroy();
      return;
    }
    this.#byAddress.set(key, count);
    if (count > this.#perAddress) this.#excess.add(socket);
    socket.once('close', () => {
      const left = (this.#byAddress.get(key) ?? 1) - 1;
      if (left > 0) this.#byAddress.set(key, left);
      else this.#byAddress.delete(key);
    });
  }
}

function refuse(response: ServerResponse): void {
  const body = JSON.stringify(limitExceeded(RETRY_AFTER));
  response.writeHead(429, {
    ...CORS_HEADERS,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'retry-after': String(RETRY_AFTER / 1000),
    connection: 'close',
  });
  response.end(body);
}
