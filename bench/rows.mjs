// The table: every row there is, in its order.
import { rows as memory } from './cases/memory.mjs';
import { rows as protocol } from './cases/protocol.mjs';
import { rows as replay } from './cases/replay.mjs';
import { rows as rooms } from './cases/rooms.mjs';
import { rows as sends } from './cases/sends.mjs';
import { rows as sync } from './cases/sync.mjs';

export const ROWS = [...sends, ...sync, ...rooms, ...replay, ...protocol, ...memory];

/** The rows with these names, or of which the names begin so: `sends` is all of `sends-…`. @throws where none is */
export function rowsNamed(names) {
  if (names === undefined) return ROWS;
  const isNamed = (row, name) => row.name === name || row.name.startsWith(`${name}-`);
  const unknown = names.filter((name) => !ROWS.some((row) => isNamed(row, name)));
  if (unknown.length > 0) {
    const known = ROWS.map(({ name }) => name).join(', ');
    throw new Error(`There is no row ${unknown.join(', ')}. There are: ${known}`);
  }
  return ROWS.filter((row) => names.some((name) => isNamed(row, name)));
}
