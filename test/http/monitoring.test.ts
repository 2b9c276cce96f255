import { expect, it } from 'vitest';
import { healthRoutes, metricsRoutes } from '../../src/http/monitoring.js';
import { anApp } from './support/app.js';

it('shows metrics as Prometheus reads them', async () => {
  const contentType = 'text/plain; version=0.0.4; charset=utf-8';
  const app = anApp(metricsRoutes({ text: () => Promise.resolve('engram_up 1\n'), contentType }));
  const response = await app.inject({ url: '/metrics' });
  expect([response.statusCode, response.headers['content-type'], response.body]).toEqual([
    200,
    contentType,
    'engram_up 1\n',
  ]);
});

it('says by its status whether the server is healthy', async () => {
  for (const [log, status] of [
    [true, 200],
    [false, 503],
  ] as const) {
    const app = anApp(healthRoutes(() => ({ log, projections: true })));
    const response = await app.inject({ url: '/health' });
    expect([response.statusCode, response.json()]).toEqual([
      status,
      { healthy: log, parts: { log, projections: true } },
    ]);
    expect((await app.inject({ method: 'HEAD', url: '/health' })).statusCode).toBe(status);
  }
});
