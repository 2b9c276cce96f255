import { Readable } from 'node:stream';
import type { Io } from '../../src/cli/io.js';

/** A world for a verb: what it wrote, and the means to interrupt it. */
export interface TestIo extends Io {
  readonly written: { stdout: string; stderr: string };
  readonly abort: AbortController;
}

export function testIo(options: { env?: Record<string, string>; cwd?: string; stdin?: string } = {}): TestIo {
  const written = { stdout: '', stderr: '' };
  const abort = new AbortController();
  return {
    stdin: Readable.from([options.stdin ?? '']),
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
    signal: abort.signal,
    written,
    abort,
  };
}
