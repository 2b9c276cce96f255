import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { noOwnDisk, ownDisk, type OwnDisk } from '../support/own-disk.js';
import { runProgram } from '../support/program.js';
import { serverFor } from '../support/served-server.js';
import { until } from '../support/until.js';
import { healthOf, liveIn, type LivedIn } from './lived-in.js';

// Servers in processes of their own, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const MEBIBYTE = 1_048_576;
const LARGE = 'x'.repeat(50_000);
const env = { ENGRAM_LIMITS__FREE_DISK_BYTES: String(4 * MEBIBYTE) };

const reason = noOwnDisk();

describe.skipIf(reason !== undefined)(
  `a full disk${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let disk: OwnDisk;
    let lived: LivedIn;
    beforeEach(async () => {
      disk = ownDisk(16);
      lived = await liveIn(disk.path, env);
    });
    afterEach(async () => {
      await lived.end();
      disk.remove();
    });

    /** Sends until it is refused: what was acknowledged, and the refusal. */
    async function fill(): Promise<{ events: string[]; refusal: Awaited<ReturnType<LivedIn['send']>> }> {
      const events: string[] = [];
      while (true) {
        const answer = await lived.send(LARGE);
        if (answer.status !== 200) return { events, refusal: answer };
        events.push(JSON.stringify(answer.body['event_id']));
      }
    }

    test('refuses commands before anything is half-written, and reads go on', async () => {
      const { events, refusal } = await fill();
      expect(events.length).toBeGreaterThan(20);
      expect([refusal.status, refusal.body['errcode'], refusal.headers['retry-after']]).toEqual([
        503,
        'M_UNKNOWN',
        '5',
      ]);
      expect((await lived.send(LARGE)).status).toBe(503);
      expect(JSON.stringify(await lived.seen())).toContain(events.at(-1));
    });

    test('says so by its health, its metrics and its log, and goes on when there is space again', async () => {
      await fill();
      // Others write, too: there is less than what the server leaves free.
      writeFileSync(join(disk.path, 'others'), Buffer.alloc(MEBIBYTE));
      expect(await healthOf(lived)).toEqual({
        status: 503,
        parts: { log: true, disk: false, room_state: true, read_models: true },
      });
      await until(() => lived.server.wrote().includes('The disk is full'));
      expect(await (await fetch(`${lived.server.url}/metrics`)).text()).toMatch(
        /^engram_health\{part="disk"\} 0$/m,
      );
      rmSync(join(disk.path, 'others'));
      disk.resize(64);
      expect((await lived.send(LARGE)).status).toBe(200);
      expect((await healthOf(lived)).status).toBe(200);
      const before = await lived.seen();
      await lived.server.stop();
      for (const args of [['verify'], ['rebuild', '--check']]) {
        const { ended, written } = runProgram(args, lived.server.environment);
        expect(await ended, `engram ${args.join(' ')}: ${written.stdout}\n${written.stderr}`).toBe(0);
      }
      await lived.server.start();
      expect(await lived.seen()).toEqual(before);
    });

    test('to the last byte loses nothing either: no start without any space, and with a little of it reads', async () => {
      await fill();
      const before = await lived.seen();
      const others = join(disk.path, 'others');
      fillUp(others);
      expect((await lived.send('small')).status).toBe(503);
      expect(await lived.seen()).toEqual(before);
      await lived.server.kill();
      await expect(lived.server.start()).rejects.toThrow(
        /Engram cannot start: The disk of .* is full\. \(ENOSPC/,
      );
      await lived.server.kill().catch(() => undefined);
      truncateSync(others, statSync(others).size - MEBIBYTE);
      await lived.server.start();
      expect(await lived.seen()).toEqual(before);
      expect((await lived.send('small')).status).toBe(503);
      rmSync(others);
      disk.resize(64);
      expect((await lived.send('small')).status).toBe(200);
    });

    test('has no place for a new server, which says so', async () => {
      await lived.seen();
      fillUp(join(disk.path, 'others'));
      const server = await serverFor(join(disk.path, 'another'), env);
      await expect(server.start()).rejects.toThrow(/Engram cannot start: The disk of .* is full/);
    });
  },
);

/** Writes until the disk takes no more. */
function fillUp(file: string): void {
  const chunk = Buffer.alloc(4096);
  try {
    while (true) writeFileSync(file, chunk, { flag: 'a' });
  } catch {
    expect(readFileSync(file).byteLength).toBeGreaterThan(0);
  }
}
