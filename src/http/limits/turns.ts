import type { ServerResponse } from 'node:http';
import { MatrixError } from '../../protocol/errors.js';
import { isGone } from '../gone.js';
import { limitExceeded } from './rate-limits.js';

interface Lane {
  running: number;
  /** Called in order; those whose client has gone are taken out. */
  readonly waiting: Set<() => void>;
}

/** What a client that has too much waiting is told to wait, in milliseconds. */
const RETRY_AFTER = 1000;

/**
 * How many requests of one client are worked on at once. More wait for their turn, so that a client with hundreds of
 * requests under way gets no larger share of the machine than one with a few. A request's turn ends when its answer
 * is sent, so a client also cannot have more than that many answers lie unread.
 */
export class Turns {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #lanes = new Map<string, Lane>();

  constructor(atOnce: number, mostWaiting: number) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  /** Clients with requests under way. */
  get size(): number {
    return this.#lanes.size;
  }

  /**
   * Resolves when it is this request's turn.
   *
   * @param response ends the turn when it is sent, or its client gone
   * @throws MatrixError M_LIMIT_EXCEEDED where too many wait already
   */
  async enter(client: string, response: ServerResponse): Promise<void> {
    if (isGone(response)) throw clientGone();
    const lane = this.#laneOf(client);
    const begin = () => {
      response.once('close', () => {
        this.#leave(client, lane);
      });
    };
    if (lane.running < this.#atOnce) {
      lane.running++;
      begin();
      return;
    }
    if (lane.waiting.size >= this.#mostWaiting) throw limitExceeded(RETRY_AFTER);
    await waitIn(lane, response, begin);
  }

  #laneOf(client: string): Lane {
    const known = this.#lanes.get(client);
    if (known !== undefined) return known;
    const lane: Lane = { running: 0, waiting: new Set() };
    this.#lanes.set(client, lane);
    return lane;
  }

  /** Whoever waits takes over the place that becomes free. */
  #leave(client: string, lane: Lane): void {
    const [next] = lane.waiting;
    if (next !== undefined) {
      lane.waiting.delete(next);
      next();
      return;
    }
    lane.running--;
    if (lane.running === 0) this.#lanes.delete(client);
  }
}

function waitIn(lane: Lane, response: ServerResponse, begin: () => void): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const giveUp = () => {
      lane.waiting.delete(start);
      reject(clientGone());
    };
    const start = () => {
      response.off('close', giveUp);
      begin();
      resolve();
    };
    lane.waiting.add(start);
    response.once('close', giveUp);
  });
}

/** Nobody will see this. */
function clientGone(): MatrixError {
  return new MatrixError('M_UNKNOWN', 'The client has gone.', { status: 400 });
}
