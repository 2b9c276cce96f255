import { sizeOf, type Change, type Changes } from './mongodb-documents.js';

/** Documents have 16 MiB at most; one change alone has less than that. */
const PART_BYTES = 8 * 1024 * 1024;

/** A write in parts, each of which is a document of its journal. */
export function journalParts(write: readonly Changes[], limit = PART_BYTES): Changes[][] {
  const parts: Changes[][] = [];
  let part: Changes[] = [];
  let bytes = 0;
  for (const { changes, ...collection } of write) {
    let taken: Change[] = [];
    for (const change of changes) {
      const size = sizeOf(change);
      if (bytes > 0 && bytes + size > limit) {
        if (taken.length > 0) part.push({ ...collection, changes: taken });
        parts.push(part);
        [part, taken, bytes] = [[], [], 0];
      }
      taken.push(change);
      bytes += size;
    }
    if (taken.length > 0) part.push({ ...collection, changes: taken });
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
