import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics, type Metrics } from '../src/metrics.js';

const open: Metrics[] = [];
function metrics(): Metrics {
  const one = createMetrics();
  open.push(one);
  return one;
}
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** The value of a sample, by its name and labels as they are printed. */
async function sample(from: Metrics, name: string): Promise<number | undefined> {
  const line = (await from.text()).split('\n').find((text) => text.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length));
}

describe('metrics', () => {
  it('count requests by route, method and status', async () => {
    const one = metrics();
    one.requestObserved('/_matrix/client/v3/sync', 'GET', 200, 0.3);
    one.requestObserved('/_matrix/client/v3/sync', 'GET', 200, 0.7);
    one.requestObserved('/_matrix/client/v3/sync', 'GET', 401, 0.001);
    const labels = 'route="/_matrix/client/v3/sync",method="GET",status="200"';
    expect(await sample(one, `engram_http_request_duration_seconds_count{${labels}}`)).toBe(2);
    expect(await sample(one, `engram_http_request_duration_seconds_sum{${labels}}`)).toBe(1);
    expect(await sample(one, `engram_http_request_duration_seconds_bucket{le="0.5",${labels}}`)).toBe(1);
  });

  it('tell of appends, flushes and batches', async () => {
    const one = metrics();
    one.appendObserved(0.002, 3);
    one.appendObserved(0.004, 5);
    one.flushObserved(0.003, 8);
    expect(await sample(one, 'engram_log_append_duration_seconds_count')).toBe(2);
    expect(await sample(one, 'engram_log_records_total')).toBe(8);
    expect(await sample(one, 'engram_log_flush_duration_seconds_count')).toBe(1);
    expect(await sample(one, 'engram_log_batch_records_sum')).toBe(8);
  });

  it('tell how far each projection is behind the log', async () => {
    const one = metrics();
    one.headAt(100);
    one.projectionAt('timelines', 90);
    one.projectionAt('profiles', 101);
    expect(await sample(one, 'engram_log_position')).toBe(100);
    expect(await sample(one, 'engram_projection_position{projection="timelines"}')).toBe(90);
    expect(await sample(one, 'engram_projection_lag{projection="timelines"}')).toBe(10);
    expect(await sample(one, 'engram_projection_lag{projection="profiles"}')).toBe(0);
    one.projectionAt('timelines', 100);
    expect(await sample(one, 'engram_projection_lag{projection="timelines"}')).toBe(0);
  });

  it('count what was quarantined and damaged', async () => {
    const one = metrics();
    expect(await sample(one, 'engram_log_damaged_records_total')).toBe(0);
    one.recordDamaged();
    one.projectionQuarantined('receipts');
    one.projectionQuarantined('receipts');
    expect(await sample(one, 'engram_log_damaged_records_total')).toBe(1);
    expect(await sample(one, 'engram_projection_quarantined_records_total{projection="receipts"}')).toBe(2);
  });

  it('ask caches when somebody looks', async () => {
    const one = metrics();
    let asked = 0;
    one.watchCache('rooms', () => ({ bytes: 10, entries: 2, hits: (asked += 1), misses: 4 }));
    expect(asked).toBe(0);
    expect(await sample(one, 'engram_cache_bytes{cache="rooms"}')).toBe(10);
    expect(await sample(one, 'engram_cache_misses{cache="rooms"}')).toBe(4);
    expect(asked).toBeGreaterThan(0);
  });

  it('see the process and a blocked event loop', async () => {
    const one = metrics();
    expect(await sample(one, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(await sample(one, 'process_cpu_seconds_total')).toBeGreaterThan(0);
    // The histogram compares its timer's turns, so there must have been two of them around a blocked time.
    let seen = 0;
    for (let attempt = 0; attempt < 50 && seen < 0.03; attempt += 1) {
      const until = performance.now() + 50;
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (attempt % 5 === 4) seen = (await sample(one, 'engram_event_loop_delay_seconds{quantile="1"}')) ?? 0;
    }
    expect(seen).toBeGreaterThan(0.03);
  });

  it('of two servers are apart', async () => {
    const [one, two] = [metrics(), metrics()];
    one.headAt(7);
    expect(await sample(two, 'engram_log_position')).toBe(0);
    one.close();
    expect(await sample(two, 'engram_log_position')).toBe(0);
    expect(one.contentType).toMatch(/^text\/plain/);
  });
});
