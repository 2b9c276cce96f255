import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RoomEvents } from '../commands/room/room-events.js';
import { RoomIndexer } from '../commands/room/room-indexer.js';
import type { RoomPorts } from '../commands/room/room-session.js';
import type { AccountLimits } from '../commands/limits.js';
import { openWriteSide, type WriteSide } from '../commands/write-side.js';
import type { Config } from '../config.js';
import { dataFolders } from '../config/data-folders.js';
import type { Log } from '../log/log.js';
import { createLoggers, type Loggers } from '../logger.js';
import { createMetrics, type Metrics } from '../metrics.js';
import { observeAppends } from '../observing.js';
import type { Health } from '../http/monitoring.js';
import { ROOM_STATE_FILE, type LmdbRoomState } from '../room-state/lmdb.js';
import type { RoomIndex } from '../room-state/room-index.js';
import { CachedNodes } from '../room-state/nodes.js';
import { systemClock, type Clock } from '../runtime/clock.js';
import { markInUse } from '../runtime/derived-folder.js';
import { DiskGuard } from '../runtime/disk-guard.js';
import { systemRandom, type Random } from '../runtime/random.js';
import { openLog, openRoomState } from '../stores.js';
import { answers } from './answers.js';
import type { StartThread } from './projection-thread/messages.js';
import { claimLog, openSigningKey } from './keys.js';
import { takeProcessFolder, type ProcessFolder } from './process-folder.js';

/** What a server takes from outside: a test hands in its own. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  /** How to start the thread in which projections run; absent where they run beside everything else. */
  readonly projectionThread?: StartThread;
}

const SYSTEM: Ports = { clock: systemClock, random: systemRandom };

/** The write side of a server, with what it stands on. */
export interface Engine {
  readonly config: Config;
  readonly ports: Ports;
  readonly loggers: Loggers;
  readonly metrics: Metrics;
  readonly folder: ProcessFolder;
  readonly log: Log;
  readonly roomState: LmdbRoomState;
  readonly write: WriteSide;
  readonly roomIndexer: RoomIndexer;
  /** Whether what is derived may be damaged, as several processes before did not close the data folder. */
  readonly isSuspect: boolean;
  readonly health: () => Promise<Health>;
  close(): Promise<void>;
}

/** Opens what commands are decided with: enough to make an account, or to look at a room. */
export async function openEngine(config: Config, given: Partial<Ports> = {}): Promise<Engine> {
  const ports = { ...SYSTEM, ...given };
  mkdirSync(config.data_dir, { recursive: true, mode: 0o700 });
  const folder = takeProcessFolder(config);
  try {
    return await openIn(config, folder, ports);
  } catch (error) {
    folder.release();
    throw error;
  }
}

async function openIn(config: Config, folder: ProcessFolder, ports: Ports): Promise<Engine> {
  const loggers = createLoggers(config.logging);
  const metrics = createMetrics();
  const stores: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const store of stores) await store.close();
    metrics.close();
    loggers.close();
  };
  try {
    const open = () => openLog(config, ports, observeAppends(metrics));
    let log = await open();
    stores.push(log);
    const use = markInUse(dirname(folder.roomState));
    const { roomState, isDamaged } = openRoomState(config, folder.roomState, use.isSuspect, loggers.commands);
    stores.push(roomState);
    if (config.log.adapter === 'lmdb' && isBehind(log, roomState)) {
      loggers.server.warn('The log was put back to an earlier state: another epoch begins.');
      stores[0] = log = await renewed(log, open);
    }
    const disk = new DiskGuard(join(folder.roomState, ROOM_STATE_FILE), config.limits.free_disk_bytes);
    const events = new RoomEvents(log, roomState, config.limits.room_cache_bytes);
    const reader = new CachedNodes(roomState, config.limits.state_cache_bytes);
    metrics.watchCache('room_events', () => events.figures);
    metrics.watchCache('state_nodes', () => reader.figures);
    const roomPorts: RoomPorts = {
      ...ports,
      log,
      shared: config.roles !== null,
      serverName: config.server_name,
      signingKey: openSigningKey(dataFolders(config).keys, ports.random),
      index: roomState,
      nodes: roomState,
      reader,
      events,
    };
    const write = openWriteSide(roomPorts, accountLimits(config));
    await claimLog(log, config.server_name, roomPorts.signingKey, write);
    const roomIndexer = new RoomIndexer(write);
    await roomIndexer.catchUp();
    return {
      config,
      ports,
      loggers,
      metrics,
      folder,
      log,
      roomState,
      write,
      roomIndexer,
      isSuspect: use.isSuspect,
      health: async () => ({
        log: await answers(log.end(), ports.clock),
        disk: disk.objection() === undefined,
        room_state: !isDamaged(),
      }),
      async close() {
        // Alone, every record in the log went through this process; one of several moves with what it reads.
        if (config.roles === null) roomState.moveTo(log.head, log.epoch);
        await close();
        use.done();
        folder.release();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Whether an embedded log has less than what was made from it. It is on disk before that, so somebody has put back an
 * earlier one, in the very file.
 */
function isBehind(log: Log, index: RoomIndex): boolean {
  return index.epoch === log.epoch && index.position > log.head;
}

async function renewed(log: Log, open: () => Promise<Log>): Promise<Log> {
  await log.endEpoch();
  await log.close();
  return open();
}

function accountLimits({ limits }: Config): AccountLimits {
  const { devices_per_user: devices, rooms_per_user: rooms, filters_per_user: filters } = limits;
  const { pushers_per_user: pushers, account_data_bytes: accountDataBytes } = limits;
  return { devices, rooms, filters, pushers, accountDataBytes };
}
