import { join } from 'node:path';
import type { Config } from './types.js';

/** The places of a data folder. */
export function dataFolders(
  config: Pick<Config, 'data_dir'>,
): Record<'log' | 'keys' | 'roomState' | 'readModels' | 'socket', string> {
  return {
    log: join(config.data_dir, 'log'),
    keys: join(config.data_dir, 'keys'),
    roomState: join(config.data_dir, 'room-state'),
    readModels: join(config.data_dir, 'read-models'),
    socket: join(config.data_dir, 'engram.sock'),
  };
}
