import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { dataFolders, SOCKET } from '../config/data-folders.js';
import { LogFormatError } from '../log/errors.js';
import { lockFolder } from '../log/folder-lock.js';

/** What of a data folder belongs to one process alone. */
export interface ProcessFolder {
  readonly roomState: string;
  readonly socket: string;
  release(): void;
}

const MOST_PROCESSES = 64;

/**
 * Takes the places of this process. One that is alone has the data folder, which is taken with the log; where several
 * share a log on a server, each on this machine has the first of `processes/1`, `processes/2`... that no other holds,
 * and finds there what it kept of the log when it ran last.
 *
 * @throws LogFormatError where there are too many
 */
export function takeProcessFolder(config: Config): ProcessFolder {
  const { roomState, socket, processes } = dataFolders(config);
  if (config.roles === null) return { roomState, socket, release: () => undefined };
  for (let number = 1; number <= MOST_PROCESSES; number++) {
    const folder = join(processes, String(number));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    try {
      const { release } = lockFolder(folder);
      return { roomState: join(folder, 'room-state'), socket: join(folder, SOCKET), release };
    } catch (error) {
      if (!(error instanceof LogFormatError)) throw error;
    }
  }
  throw new LogFormatError(`${MOST_PROCESSES} processes run on ${config.data_dir} already.`);
}
