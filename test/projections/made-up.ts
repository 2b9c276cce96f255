import type { Documents, Projection } from '../../projections/projection.js';
import type { LoggedRecord } from '../../src/log/log.js';
import type { RecordBody } from '../../src/log/records.js';
import type { CollectionDefinition } from '../../src/read-models/store.js';
import { MemoryLog } from '../support/memory-log.js';

/** Projections that exist for tests: one with an index and counts by look-up, one by ranges, one that throws. */

export type Alias = { readonly alias: string; readonly room: string; readonly position: number };

export const aliases: CollectionDefinition<Alias> = {
  name: 'test_aliases',
  projection: 'test-directory',
  key: (document) => [document.alias],
  indexes: { room: (document) => [document.room, document.position] },
  fields: { key: ['alias'], indexes: { room: ['room', 'position'] } },
};

export type Room = { readonly room: string; readonly aliases: number; readonly latest: string | null };

export const rooms: CollectionDefinition<Room> = {
  name: 'test_rooms',
  projection: 'test-directory',
  key: (document) => [document.room],
  indexes: {},
  fields: { key: ['room'], indexes: {} },
};

/** Aliases, and for each room how many it has and the newest: found by reading back what was just written. */
export function directory(version = 1): Projection {
  return {
    name: 'test-directory',
    version,
    collections: [aliases, rooms],
    handles: ['room.alias.created', 'room.alias.deleted'],
    evolve: async (record, documents) => {
      if (record.type === 'room.alias.created') {
        const { alias, room_id: room } = record.data;
        const before = await documents.get(aliases, [alias]);
        documents.put(aliases, {
          alias: version === 1 ? alias : `v${version}:${alias}`,
          room,
          position: record.position,
        });
        await count(documents, room);
        if (before !== undefined && before.room !== room) await count(documents, before.room);
      } else if (record.type === 'room.alias.deleted') {
        documents.delete(aliases, [record.data.alias]);
        await count(documents, record.data.room_id);
      }
    },
  };
}

async function count(documents: Documents, room: string): Promise<void> {
  const latest = await documents.find(aliases, { prefix: [room], reverse: true, limit: 1 }, 'room');
  const all = await documents.find(aliases, { prefix: [room] }, 'room');
  if (all.length === 0) documents.delete(rooms, [room]);
  else documents.put(rooms, { room, aliases: all.length, latest: latest[0]?.alias ?? null });
}

export type Entry = { readonly day: number; readonly n: number; readonly stream: string };

export const journal: CollectionDefinition<Entry> = {
  name: 'test_journal',
  projection: 'test-journal',
  key: (document) => [document.day, document.n],
  indexes: {},
  fields: { key: ['day', 'n'], indexes: {} },
};

/** The last three records of each "day" of ten positions, numbered; throws on profiles with a field `broken`. */
export const diary: Projection = {
  name: 'test-journal',
  version: 1,
  collections: [journal],
  handles: ['profile.changed', 'room.alias.created'],
  evolve: async (record, documents) => {
    const day = Math.floor(record.position / 10);
    const entries = await documents.find(journal, { prefix: [day] });
    const n = (entries.at(-1)?.n ?? 0) + 1;
    documents.put(journal, { day, n, stream: record.stream });
    if (entries[0] !== undefined && entries.length >= 3) documents.delete(journal, [day, entries[0].n]);
    if (record.type === 'profile.changed' && record.data.fields?.['broken'] !== undefined) {
      throw new TypeError('This one cannot be folded.');
    }
  },
};

export const created = (alias: string, room = '!r'): RecordBody => ({
  type: 'room.alias.created',
  version: 1,
  data: { alias, room_id: room, by: '@a:b' },
});

export const deleted = (alias: string, room = '!r'): RecordBody => ({
  type: 'room.alias.deleted',
  version: 1,
  data: { alias, room_id: room, by: '@a:b' },
});

export const profile = (fields: Record<string, unknown> = {}): RecordBody => ({
  type: 'profile.changed',
  version: 1,
  data: { fields },
});

/** Records of all kinds: renewed, moved and deleted aliases, several at one position, gaps, two that break the diary. */
export function fillSamples(log: MemoryLog): LoggedRecord[] {
  log.append([created('#a'), created('#b'), created('#c', '!other')]);
  log.append([deleted('#b')], 7);
  log.append([created('#b', '!other')]);
  log.append([profile({ name: 'x' })]);
  log.append([profile({ broken: true })]);
  log.append([created('#a', '!other'), deleted('#c', '!other'), created('#d')]);
  log.append([deleted('#none')]);
  for (let i = 0; i < 6; i++) log.append([created(`#many${i % 3}`, `!${i % 2}`), profile()], 1 + (i % 3));
  log.append([profile({ broken: 1 }), deleted('#d')]);
  log.append([created('#last')]);
  return log.records;
}
