import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * The files below a folder that hold one of these words, each with which: `read-models/data.mdb: word`. Words are looked
 * for as bytes, so they should be of letters and digits alone, which no encoding of JSON changes.
 */
export function filesWith(folder: string, words: readonly string[]): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const bytes = readFileSync(file);
    for (const word of words) if (bytes.includes(word)) found.push(`${relative(folder, file)}: ${word}`);
  }
  return found;
}
