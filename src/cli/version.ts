import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The program's version, from the package.json above src/cli as above dist/src/cli. */
export function version(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return (manifest as { version: string }).version;
}
