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
  /** Of the body, as far as the client says. */
  readonly bytes: number;
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
  async admit(request: LimitedRequest): Promise<void> {
    const { route, requester, query, bytes, response } = request;
    const client = clientOf(request);
    await this.#count(requester === undefined ? strangersLimit(route) : limitOf(route), client, response);
    if (requester !== undefined && isInitialSync(route, query)) {
      await this.#count('initial_syncs', `${requester.userId} ${requester.deviceId}`, response);
    }
    if (bytes > 0) await this.#count('bytes', client, response, bytes);
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

  /** Counts a body whose length was not said before it came. @throws MatrixError M_LIMIT_EXCEEDED */
  async received(request: LimitedRequest, bytes: number): Promise<void> {
    if (request.bytes === 0) await this.#count('bytes', clientOf(request), request.response, bytes);
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

  async #count(limit: RateLimit, client: string, response: ServerResponse, cost = 1): Promise<void> {
    const wait = this.#rates.wait(limit, client, cost);
    if (wait === 0) return;
    await this.#refusals.turn(client, response);
    throw limitExceeded(wait);
  }
}

function clientOf({ requester, address }: LimitedRequest): string {
  return requester?.userId ?? addressKey(address);
}

/** Where a token is not needed, those without one are counted by address. */
function strangersLimit(route: LimitedRoute): RateLimit {
  return limitOf({ ...route, auth: 'none' });
}
