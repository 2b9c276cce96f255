// The table: every row there is, in its order.
import { rows as sends } from './cases/sends.mjs';

export const ROWS = [...sends];

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
