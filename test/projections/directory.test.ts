import { expect, test } from 'vitest';
import { directoryProjection } from '../../projections/directory.js';
import { roomAliases } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { projectionContract } from '../support/projections.js';
import { alice, bob, type Person } from '../support/room.js';

const created = (alias: string, room_id: string, by: Person = alice) =>
  ({
    type: 'room.alias.created',
    version: 1,
    data: { alias, room_id, by: by.id },
    stream: `alias-${alias}`,
  }) as const;
const deleted = (alias: string, room_id: string) =>
  ({
    type: 'room.alias.deleted',
    version: 1,
    data: { alias, room_id, by: bob.id },
    stream: `alias-${alias}`,
  }) as const;

function logged(...records: readonly (ReturnType<typeof created> | ReturnType<typeof deleted>)[]): MemoryLog {
  const log = new MemoryLog();
  for (const record of records) log.append([record]);
  return log;
}

projectionContract(
  directoryProjection,
  logged(
    created('#a:x', '!1:x'),
    created('#b:x', '!1:x'),
    created('#__proto__:x', '!2:x'),
    deleted('#a:x', '!1:x'),
    deleted('#b:x', '!1:x'),
    created('#a:x', '!2:x', bob),
    created('#a:x', '!3:x'),
  ).records,
);

const aliases = async (log: MemoryLog) => (await folded(directoryProjection, log.records)).of(roomAliases);

test('an alias names its room', async () => {
  const log = logged(created('#b:x', '!1:x'), created('#a:x', '!1:x', bob));
  expect(await aliases(log)).toEqual([
    { alias: '#a:x', room_id: '!1:x', creator: bob.id, position: log.head },
    { alias: '#b:x', room_id: '!1:x', creator: alice.id, position: log.head - 1 },
  ]);
});

test('a deleted alias names nothing, and may name another room later', async () => {
  const log = logged(created('#a:x', '!1:x'), deleted('#a:x', '!1:x'));
  expect(await aliases(log)).toEqual([]);
  log.append([created('#a:x', '!2:x', bob)]);
  expect(await aliases(log)).toEqual([
    { alias: '#a:x', room_id: '!2:x', creator: bob.id, position: log.head },
  ]);
});

test('an alias that is made again names its new room', async () => {
  const log = logged(created('#a:x', '!1:x'), created('#a:x', '!2:x'));
  expect((await aliases(log)).map(({ room_id }) => room_id)).toEqual(['!2:x']);
});
