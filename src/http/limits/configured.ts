import type { Config } from '../../config.js';
import type { Clock } from '../../runtime/clock.js';
import type { ConnectionLimitOptions } from './connection-limits.js';
import type { RateLimits } from './rate-limits.js';
import { RequestLimits } from './request-limits.js';

/** What a configuration says that clients may do, for the apps of all listeners together. */
export function configuredLimits(
  { limits }: Pick<Config, 'limits'>,
  rates: RateLimits,
  clock: Clock,
): ConnectionLimitOptions & { readonly limits: RequestLimits } {
  return {
    connections: limits.connections,
    connectionsPerAddress: limits.connections_per_address,
    sendTimeout: limits.send_seconds * 1000,
    limits: new RequestLimits({
      rates,
      clock,
      requestsAtOnce: limits.requests_at_once,
      requestsWaiting: limits.requests_waiting,
      pollsPerDevice: limits.polls_per_device,
      pollsPerUser: limits.polls_per_user,
    }),
  };
}
