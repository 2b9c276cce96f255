import { readFileSync } from 'node:fs';
import { CliError } from './io.js';

/** Files that a server opens by itself: its code, its stores, its sockets. */
const LEAST = 256;

/**
 * Refuses to start a server that could open fewer files than it needs: it would fail somewhere, with words about
 * something else. Where the limit cannot be read (not Linux) it is taken to do.
 *
 * @throws CliError
 */
export function requireOpenFiles(limits = '/proc/self/limits'): void {
  let text: string;
  try {
    text = readFileSync(limits, 'utf8');
  } catch {
    return;
  }
  const limit = Number(/^Max open files\s+(\d+)/m.exec(text)?.[1] ?? LEAST);
  if (limit >= LEAST) return;
  throw new CliError(
    `Only ${limit} files may be open at once, and a server takes ${LEAST}, and one more for each connection: ` +
      'raise the limit (ulimit -n 65536; systemd: LimitNOFILE=65536).',
  );
}
