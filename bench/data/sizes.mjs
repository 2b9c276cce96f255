// How large the room is that several rows need, and how much of the disk a data folder takes.
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { built, configOf } from './writing.mjs';

/** A disk is given out in blocks of so many bytes, as `stat` counts them. */
const BLOCK = 512;

/** The sizes of the room that rows share: members and events as the table names them, and who joins while it is measured. */
export function bigRoom(bench) {
  return {
    members: bench.sized(28_000, 50),
    events: bench.sized(100_000, 500),
    joiners: bench.sized(300, 10),
    speakers: 20,
  };
}

/**
 * What lies in a data folder that no server has open.
 *
 * @returns `nodeBytes` of the state's nodes with their names; bytes on the disk of `log`, `readModels`, `roomState` and
 *   the `whole` folder; how many `events` the log has, how many of them are `stateEvents`, and their bytes as `json`
 */
async function stored({ root, folder }) {
  const { dataFolders } = await built(root, 'src/config/data-folders.js');
  const config = await configOf(root, folder);
  const places = dataFolders(config);
  return {
    nodeBytes: await nodeBytes(root, places.roomState),
    log: bytesOnDisk(places.log),
    readModels: bytesOnDisk(places.readModels),
    roomState: bytesOnDisk(places.roomState),
    whole: bytesOnDisk(folder),
    ...(await eventsIn(root, config)),
  };
}

/** Keys and values of the table of nodes, by reading them all. */
async function nodeBytes(root, folder) {
  const { open } = await import('lmdb');
  const { ROOM_STATE_FILE } = await built(root, 'src/room-state/lmdb.js');
  const environment = open({ path: join(folder, ROOM_STATE_FILE), noSubdir: true, readOnly: true });
  try {
    const nodes = environment.openDB({ name: 'nodes', encoding: 'binary', keyEncoding: 'binary' });
    let bytes = 0;
    for (const { key, value } of nodes.getRange()) bytes += key.byteLength + value.byteLength;
    return bytes;
  } finally {
    await environment.close();
  }
}

/** The events of the log as they travel between servers. */
async function eventsIn(root, config) {
  const { openLogForReading } = await built(root, 'src/stores.js');
  const { systemClock: clock } = await built(root, 'src/runtime/clock.js');
  const { systemRandom: random } = await built(root, 'src/runtime/random.js');
  const { isEventRecord } = await built(root, 'src/commands/aggregates/room.js');
  const { eventOf } = await built(root, 'src/commands/room/room-events.js');
  const log = await openLogForReading(config, { clock, random });
  const found = { events: 0, stateEvents: 0, json: 0 };
  try {
    for await (const { records } of log.readAll()) {
      for (const record of records) {
        if (!isEventRecord(record)) continue;
        const { pdu, stateKey } = eventOf(record);
        found.events++;
        if (stateKey !== undefined) found.stateEvents++;
        found.json += Buffer.byteLength(JSON.stringify(pdu));
      }
    }
    return found;
  } finally {
    await log.close();
  }
}

/** What a file, or everything in a folder, takes on the disk; nothing where it is not there. */
function bytesOnDisk(path) {
  if (!existsSync(path)) return 0;
  const stat = lstatSync(path);
  const own = stat.blocks * BLOCK;
  if (!stat.isDirectory()) return own;
  return readdirSync(path).reduce((sum, name) => sum + bytesOnDisk(join(path, name)), own);
}

export const loads = { stored };
