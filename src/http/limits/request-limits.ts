import type { ServerResponse } from 'node:http';
import type { Clock } from '../../runtime/clock.js';
import type { Requester } from '../authentication.js';
import { addressKey } from './address-key.js';
import { Polls } from './polls.js';
import { limitExceeded, type RateLimit, type RateLimits } from './rate-limits.js';
import { Refusals } from './refusals.js';
import { isInitialSync, isPoll, limitOf, type LimitedRoute } from './route-limits.js';
import { Turns } from './turns.js';

/** A request, as far as limits look at it. */
export interface LimitedRequest {
  readonly route: LimitedRoute;
  readonly requester: Requester | undefined;
  readonly address: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly response: ServerResponse;
}

/** Numbers of requests: `limits` of the configuration. */
export interface RequestLimitOptions {
  readonly rates: RateLimits;
  readonly clock: Clock;
  readonly requestsAtOnce: number;
  readonly requestsWaiting: number;
  readonly pollsPerDevice: number;
  readonly pollsPerUser: number;
}

/** What every request passes before anything is done for it, its body not even read. */
export class RequestLimits {
  readonly #rates: RateLimits;
  readonly #turns: Turns;
  readonly #polls: Polls;
  readonly #refusals: Refusals;

  constructor(options: RequestLimitOptions) {
    this.#rates = options.rates;
    this.#refusals = new Refusals(options.clock);
    this.#turns = new Turns(options.requestsAtOnce, options.requestsWaiting);
    this.#polls = new Polls(options.pollsPerDevice, options.pollsPerUser);
  }

  /**
   * Lets a request go on as soon as it may.
   *
   * @throws MatrixError M_LIMIT_EXCEEDED
   */
  async admit({ route, requester, address, query, response }: LimitedRequest): Promise<void> {
    const client = requester?.userId ?? addressKey(address);
    await this.#count(requester === undefined ? strangersLimit(route) : limitOf(route), client, response);
    if (requester !== undefined && isInitialSync(route, query)) {
      await this.#count('initial_syncs', `${requester.userId} ${requester.deviceId}`, response);
    }
    if (isPoll(route, query)) return;
    try {
      await this.#turns.enter(client, response);
    } catch (error) {
      await this.#refusals.turn(client, response);
      throw error;
    }
  }

  /** Counts a request that leads nowhere: an unknown path, a token that is nobody's. @throws MatrixError M_LIMIT_EXCEEDED */
  async stray(address: string, response: ServerResponse): Promise<void> {
    await this.#count('anonymous', addressKey(address), response);
  }

  /** A handler begins to wait for news; `controller` ends the waiting. */
  waits(request: LimitedRequest, controller: AbortController): void {
    const { requester, route, query, response } = request;
    if (requester !== undefined && isPoll(route, query)) this.#polls.begin(requester, controller, response);
  }

  /** Tells those who wait for a refusal now: the server closes. */
  close(): void {
    this.#refusals.releaseAll();
  }

  async #count(limit: RateLimit, client: string, response: ServerResponse): Promise<void> {
    const wait = this.#rates.wait(limit, client);
    if (wait === 0) return;
    await this.#refusals.turn(client, response);
    throw limitExceeded(wait);
  }
}

/** Where a token is not needed, those without one are counted by address. */
function strangersLimit(route: LimitedRoute): RateLimit {
  return limitOf({ ...route, auth: 'none' });
}
