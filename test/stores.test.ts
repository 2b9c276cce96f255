import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { loadConfig, type Config } from '../src/config.js';
import { LogFormatError } from '../src/log/errors.js';
import type { Log } from '../src/log/log.js';
import { NO_STREAM } from '../src/log/position.js';
import { systemClock } from '../src/runtime/clock.js';
import { systemRandom } from '../src/runtime/random.js';
import { hasLog, openLog, openLogForReading } from '../src/stores.js';
import { names, someRecords } from './contracts/log/tools.js';
import { freshPrefix, onEventStoreDb } from './support/eventstoredb.js';
import { temporaryFolder } from './support/folder.js';

const ports = { clock: systemClock, random: systemRandom };

onEventStoreDb('a log in EventStoreDB, as it is configured', (url) => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  function configured(prefix = freshPrefix()): Config {
    const folder = temporaryFolder();
    closing.push(() => {
      folder.remove();
    });
    const env = {
      ENGRAM_DATA_DIR: join(folder.path, 'data'),
      ENGRAM_LOG__ADAPTER: 'eventstoredb',
      ENGRAM_LOG__URL: url,
      ENGRAM_LOG__PREFIX: prefix,
    };
    return loadConfig({ file: undefined, env, cwd: folder.path });
  }

  async function opened(config: Config): Promise<Log> {
    const log = await openLog(config, ports);
    closing.push(() => log.close());
    return log;
  }

  test('is written by one process per data folder, and read beside it', async () => {
    const config = configured();
    expect(await hasLog(config, ports)).toBe(false);
    await expect(openLogForReading(config, ports)).rejects.toThrow('There is no log in');
    const log = await opened(config);
    expect(await hasLog(config, ports)).toBe(true);
    await log.append('user-a', NO_STREAM, someRecords('a', 2));
    await expect(openLog(config, ports)).rejects.toThrow('is in use by this process');
    const reading = await openLogForReading(config, ports);
    closing.push(() => reading.close());
    expect(await names(reading.readAll())).toStrictEqual(['a0', 'a1']);
    await log.close();
    expect((await opened(config)).head).toBe(log.head);
  });

  test('is not opened without the key that it is sealed with, and no other is made', async () => {
    const config = configured();
    await (await opened(config)).close();
    const key = join(config.data_dir, 'keys', 'seal.key');
    renameSync(key, `${key}.away`);
    const opening = openLog(config, ports);
    await expect(opening).rejects.toBeInstanceOf(LogFormatError);
    await expect(opening).rejects.toThrow('seal.key is missing');
    expect(existsSync(key)).toBe(false);
    renameSync(`${key}.away`, key);
    await opened(config);
  });
});
