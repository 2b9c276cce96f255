import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { register } from '../src/commands/registration.js';
import { loadConfig } from '../src/config.js';
import { SealKeys } from '../src/log/seal-keys.js';
import { systemRandom } from '../src/runtime/random.js';
import { openEngine, startServer, type Engine } from '../src/server.js';
import { temporaryFolder } from './support/folder.js';

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  folder.remove();
});

const config = (env: Record<string, string> = {}) =>
  loadConfig({
    env: {
      ENGRAM_DATA_DIR: folder.path,
      ENGRAM_LOGGING__LEVEL: 'silent',
      ENGRAM_LISTENERS__0__PORT: '0',
      ...env,
    },
    cwd: folder.path,
  });

describe('a server', () => {
  it('serves, says whether it is new, and closes', async () => {
    const server = await startServer(config());
    const [listener] = server.listeners;
    expect((await fetch(`${listener?.url ?? ''}/_matrix/client/versions`)).status).toBe(200);
    expect(server.firstStart).toBe(true);
    await server.close();
  });

  it('shows its metrics and health where it is told to', async () => {
    const server = await startServer(config({ ENGRAM_LISTENERS__0__RESOURCES: '[client, metrics, health]' }));
    const url = server.listeners[0]?.url ?? '';
    await fetch(`${url}/_matrix/client/versions`);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const name of [
      'engram_http_request_duration_seconds',
      'engram_log_append_duration_seconds',
      'engram_log_flush_duration_seconds',
      'engram_log_batch_records',
      'engram_projection_position',
      'engram_projection_lag',
      'engram_cache_bytes',
      'engram_event_loop_delay_seconds',
    ]) {
      expect(metrics).toMatch(new RegExp(`^${name}.*[0-9]`, 'm'));
    }
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ healthy: true });
    await server.close();
  });

  it('refuses the log of another server name', async () => {
    await (await openEngine(config())).close();
    await expect(openEngine(config({ ENGRAM_SERVER_NAME: 'elsewhere.example' }))).rejects.toThrow(
      /belongs to the server localhost/,
    );
  });

  it('begins another epoch where an earlier log was put into the place of the one that it knows', async () => {
    const file = join(folder.path, 'log', 'log.mdb');
    const engine = await openEngine(config());
    const signUp = (username: string, { write }: Engine) =>
      register(write, { username, kind: 'user', method: 'open' }, { correlationId: 'test', now: 1 });
    await signUp('alice', engine);
    const { epoch } = engine.log;
    await engine.close();
    copyFileSync(file, join(folder.path, 'backup.mdb'));
    const later = await openEngine(config());
    expect(later.log.epoch).toBe(epoch);
    await signUp('bob', later);
    await later.close();

    // Into the same file: neither its number nor its birth tells.
    copyFileSync(join(folder.path, 'backup.mdb'), file);
    const restored = await openEngine(config());
    expect(restored.log.epoch).not.toBe(epoch);
    expect(restored.roomState.epoch).toBe(restored.log.epoch);
    expect(await restored.write.user('@bob:localhost')).toEqual({ kind: 'absent' });
    expect(await restored.write.user('@alice:localhost')).toMatchObject({ kind: 'active' });
    const begun = restored.log.epoch;
    await restored.close();
    const again = await openEngine(config());
    expect(again.log.epoch).toBe(begun);
    await again.close();
  });

  it('refuses a log whose seal key is gone, rather than to seal with another', async () => {
    await (await openEngine(config())).close();
    rmSync(join(folder.path, 'keys', 'seal.key'));
    await expect(openEngine(config())).rejects.toThrow(/seal\.key is missing/);
  });

  it('refuses a seal key that is not the one of the log', async () => {
    await (await openEngine(config())).close();
    const key = join(folder.path, 'keys', 'seal.key');
    rmSync(key);
    SealKeys.open(key, systemRandom);
    await expect(openEngine(config())).rejects.toThrow(/seal key in the data folder is not the one/);
  });
});
