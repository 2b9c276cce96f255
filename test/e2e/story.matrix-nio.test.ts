import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { serveFolder, type ServedServer } from '../support/served-server.js';

/** How Python is called that has matrix-nio, such as `python3`. */
const PYTHON = process.env['ENGRAM_TEST_MATRIX_NIO'];
const SKIPPED = PYTHON === undefined ? ' (skipped: ENGRAM_TEST_MATRIX_NIO names no Python that has it)' : '';

describe(`Alice and Bob, with matrix-nio${SKIPPED}`, () => {
  const folder = temporaryFolder();
  let server: ServedServer | undefined;

  beforeAll(async () => {
    if (PYTHON !== undefined) server = await serveFolder(folder.path);
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  it.skipIf(PYTHON === undefined)(
    'tell the same story',
    async () => {
      if (PYTHON === undefined || server === undefined) return;
      const running = server;
      const script = join(import.meta.dirname, 'story.matrix-nio.py');
      const child = spawn(PYTHON, [script, running.url], { stdio: ['pipe', 'pipe', 'pipe'] });
      let chapters = '';
      let complaints = '';
      child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
      child.stdout.on('data', (chunk: Buffer) => {
        chapters += chunk.toString();
        if (chapters.endsWith('\nrestart\n')) void restart(running).then(() => child.stdin.write('\n'));
      });
      const code = await new Promise((resolve) => child.on('close', resolve));
      expect([code, complaints]).toEqual([0, complaints]);
      expect(chapters.trim().split('\n')).toEqual([
        'register',
        'room',
        'talk',
        'edit, redact, react',
        'unread',
        'typing',
        'display name',
        'to device',
        'history',
        'restart',
        'restarted',
        'leave',
      ]);
    },
    120_000,
  );
});

async function restart(server: ServedServer): Promise<void> {
  await server.stop();
  await server.start();
}
