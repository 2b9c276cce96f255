import { describe, expect, it } from 'vitest';
import { CliError } from '../../src/cli/io.js';
import { serve, type ServedServer } from '../../src/cli/serve.js';
import type { Config } from '../../src/config.js';
import { testIo } from './support.js';

function server(firstStart: boolean): {
  started: Config[];
  closed: () => number;
  start: (config: Config) => Promise<ServedServer>;
} {
  const started: Config[] = [];
  let closed = 0;
  return {
    started,
    closed: () => closed,
    start: (config) => {
      started.push(config);
      return Promise.resolve({
        listeners: [{ url: 'http://127.0.0.1:8008', resources: ['client', 'health'] }],
        firstStart,
        close: () => {
          closed += 1;
          return Promise.resolve();
        },
      });
    },
  };
}

describe('serve', () => {
  it('starts with the configuration, says where, and ends cleanly when it is told to', async () => {
    const io = testIo({ env: { ENGRAM_SERVER_NAME: 'example.org' }, cwd: '/srv' });
    const { start, started, closed } = server(false);
    const done = serve({}, io, start);
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(started.map(({ data_dir }) => data_dir)).toEqual(['/srv/data']);
    expect(io.written.stdout).toBe(
      'Engram serves example.org from /srv/data:\n  http://127.0.0.1:8008  (client, health)\n',
    );
    expect(closed()).toBe(0);
    io.abort.abort();
    expect(await done).toBe(0);
    expect(closed()).toBe(1);
  });

  it('says on the first start how to make an account', async () => {
    for (const enabled of [true, false]) {
      const io = testIo({ env: { ENGRAM_REGISTRATION__ENABLED: String(enabled) } });
      const done = serve({}, io, server(true).start);
      await new Promise((resolve) => setImmediate(resolve));
      io.abort.abort();
      await done;
      expect(io.written.stdout).toMatch(/main\.js user create NAME/);
      expect(io.written.stdout.includes('ENGRAM_REGISTRATION__ENABLED=true')).toBe(!enabled);
    }
  });

  it('told to end while it starts, ends once it has started', async () => {
    const io = testIo();
    io.abort.abort();
    const { start, closed } = server(false);
    expect(await serve({}, io, start)).toBe(0);
    expect(closed()).toBe(1);
    expect(io.written.stdout).toBe('');
  });

  it('tells what the operator can mend, and throws what is a fault', async () => {
    const failing = (error: Error) => () => Promise.reject(error);
    const inUse = Object.assign(new Error('listen EADDRINUSE: 127.0.0.1:8008'), { code: 'EADDRINUSE' });
    await expect(serve({}, testIo(), failing(inUse))).rejects.toThrow(CliError);
    const fault = new TypeError('x is undefined');
    await expect(serve({}, testIo(), failing(fault))).rejects.toBe(fault);
  });

  it('hands on a failure to close', async () => {
    const io = testIo();
    io.abort.abort();
    const lost = new Error('The log cannot be flushed.');
    const start = (): Promise<ServedServer> =>
      Promise.resolve({ listeners: [], firstStart: false, close: () => Promise.reject(lost) });
    await expect(serve({}, io, start)).rejects.toBe(lost);
  });
});
