import type { ServerResponse } from 'node:http';
import type { Requester } from '../authentication.js';
import { addressKey } from './address-key.js';
import { Polls } from './polls.js';
import type { RateLimits } from './rate-limits.js';
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

/** Milliseconds and numbers of requests; see `limits` of the configuration. */
export interface RequestLimitOptions {
  readonly rates: RateLimits;
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

  constructor(options: RequestLimitOptions) {
    this.#rates = options.rates;
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
    await this.#rates.enforce(requester === undefined ? strangersLimit(route) : limitOf(route), client);
    if (requester !== undefined && isInitialSync(route, query)) {
      await this.#rates.enforce('initial_syncs', `${requester.userId} ${requester.deviceId}`);
    }
    if (!isPoll(route, query)) await this.#turns.enter(client, response);
  }

  /** Counts a request that leads nowhere: an unknown path, a token that is nobody's. @throws MatrixError M_LIMIT_EXCEEDED */
  async stray(address: string): Promise<void> {
    await this.#rates.enforce('anonymous', addressKey(address));
  }

  /** A handler begins to wait for news; `controller` ends the waiting. */
  waits(request: LimitedRequest, controller: AbortController): void {
    const { requester, route, query, response } = request;
    if (requester !== undefined && isPoll(route, query)) this.#polls.begin(requester, controller, response);
  }
}

/** Where a token is not needed, those without one are counted by address. */
function strangersLimit(route: LimitedRoute): ReturnType<typeof limitOf> {
  return limitOf({ ...route, auth: 'none' });
}
