import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './types.js';

/** The file name of an operator's socket. */
export const SOCKET = 'engram.sock';

/** The places of a data folder; `processes` has one folder for each of several processes that share a log. */
export function dataFolders(
  config: Pick<Config, 'data_dir'>,
): Record<'log' | 'keys' | 'roomState' | 'readModels' | 'socket' | 'processes', string> {
  return {
    log: join(config.data_dir, 'log'),
    keys: join(config.data_dir, 'keys'),
    roomState: join(config.data_dir, 'room-state'),
    readModels: join(config.data_dir, 'read-models'),
    socket: join(config.data_dir, SOCKET),
    processes: join(config.data_dir, 'processes'),
  };
}

/** The folders of processes that share a log, and run or ran. */
export function processFolders(config: Pick<Config, 'data_dir'>): string[] {
  const { processes } = dataFolders(config);
  const numbers = existsSync(processes) ? readdirSync(processes) : [];
  return numbers.sort((a, b) => Number(a) - Number(b)).map((number) => join(processes, number));
}

/** The operators' sockets of a data folder: of processes that run, or ran. */
export function socketsOf(config: Pick<Config, 'data_dir'>): string[] {
  return [dataFolders(config).socket, ...processFolders(config).map((folder) => join(folder, SOCKET))];
}
