/**
 * GET /metrics
 * GET /health
 *
 * What operators watch a server by: the listener resources `metrics` and `health`.
 */
import type { GetHealth, GetMetrics } from './client/types.js';
import { HttpResponse } from './response.js';
import { defineRoute, type Route } from './route.js';

/** The part of the server's metrics that is shown. */
export interface MetricsText {
  text(): Promise<string>;
  readonly contentType: string;
}

export function metricsRoutes(metrics: MetricsText): Route[] {
  return [
    defineRoute<GetMetrics, 'none'>({
      module: 'monitoring',
      name: 'getMetrics',
      method: 'GET',
      paths: ['/metrics'],
      auth: 'none',
      handler: async () =>
        new HttpResponse({ headers: { 'content-type': metrics.contentType }, body: await metrics.text() }),
    }),
  ];
}

/** Which parts of the server work; it is healthy when all do. */
export type Health = Readonly<Record<string, boolean>>;

/** 200 when all is well, else 503, so that load balancers need not read the body. */
export function healthRoutes(check: () => Health | Promise<Health>): Route[] {
  return [
    defineRoute<GetHealth, 'none'>({
      module: 'monitoring',
      name: 'getHealth',
      method: 'GET',
      paths: ['/health'],
      auth: 'none',
      handler: async () => {
        const parts = await check();
        const healthy = Object.values(parts).every(Boolean);
        return new HttpResponse({ status: healthy ? 200 : 503, body: { healthy, parts } });
      },
    }),
  ];
}
