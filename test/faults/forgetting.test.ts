import { spawn } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/program.js';
import { deactivate } from '../../src/commands/account.js';
import { createRoom } from '../../src/commands/create-room.js';
import { joinRoom } from '../../src/commands/membership.js';
import { setProfileField } from '../../src/commands/profile.js';
import { register } from '../../src/commands/registration.js';
import { redactEvent, sendEvent } from '../../src/commands/room-send.js';
import { loadConfig } from '../../src/config.js';
import { openCore, openEngine } from '../../src/server.js';
import { testIo } from '../cli/support.js';
import { compiled } from '../support/compiled.js';
import { temporaryFolder } from '../support/folder.js';
import { filesWith } from '../support/search-files.js';

/** How many moments a process is killed at, spread over all steps of forgetting. */
const KILLS = Number(process.env['ENGRAM_FORGETTING_KILLS'] ?? 8);
const SECRETS = ['SecretThatWasRedacted', 'SecretOfAnErasedAccount', 'SecretDisplayName'];

const root = temporaryFolder();
const prepared = join(root.path, 'prepared');
let program: ReturnType<typeof compiled>;

const envOf = (folder: string, redactedAfter: string) => ({
  ENGRAM_DATA_DIR: folder,
  ENGRAM_LOGGING__LEVEL: 'fatal',
  ENGRAM_FORGETTING__REDACTED_AFTER: redactedAfter,
});
const configOf = (folder: string, redactedAfter: string) =>
  loadConfig({ file: undefined, env: envOf(folder, redactedAfter), cwd: folder });
const context = () => ({ correlationId: 'test', now: Date.now() });

/** A folder in which something is to be forgotten, that was read by clients, and of which nothing is forgotten yet. */
async function prepare(): Promise<void> {
  const core = await openCore(configOf(prepared, 'null'));
  const { write } = core;
  const account = { kind: 'user', method: 'open' } as const;
  const [alice, bob] = [
    (await register(write, { ...account, username: 'alice' }, context())).result.userId,
    (await register(write, { ...account, username: 'bob' }, context())).result.userId,
  ];
  const request = { preset: 'public_chat', name: 'Pub' } as const;
  const { room_id: room } = (await createRoom(write, alice, request, '12', context())).result;
  await joinRoom(write, bob, room, {}, context());
  await setProfileField(write, bob, 'displayname', 'SecretDisplayName', context());
  const says = async (userId: string, body: string, nth: number) => {
    const message = { type: 'm.room.message', content: { body }, transactionId: `t${nth}` };
    const sender = { userId, deviceId: 'PHONE' };
    return (await sendEvent(write, sender, room, message, context())).result.event_id;
  };
  for (let i = 0; i < 120; i++) {
    const text = i % 3 === 0 ? 'SecretThatWasRedacted' : i % 3 === 1 ? 'SecretOfAnErasedAccount' : 'Weather';
    const said = await says(i % 3 === 1 ? bob : alice, `${text} ${'x'.repeat((i * 97) % 900)}`, i);
    if (i % 3 !== 0) continue;
    const redaction = { target: said, content: {}, transactionId: `r${i}` };
    await redactEvent(write, { userId: alice, deviceId: 'PHONE' }, room, redaction, context());
  }
  expect(await core.readModels.whenProcessed(core.log.head, 20_000)).toBe(true);
  await core.close();
  const engine = await openEngine(configOf(prepared, 'null'));
  await deactivate(engine.write, bob, true, context());
  await engine.close();
}

/** Runs the child; gives the number of steps to the end, or undefined where it was killed. */
async function forget(folder: string, killAt: number): Promise<number | undefined> {
  const script = join(program.path, 'test/faults/forgetting-child.js');
  const child = spawn(process.execPath, [script, folder, String(killAt)], {
    env: { PATH: process.env['PATH'], ...envOf(folder, '0') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (...how) => {
      resolve(how);
    });
  });
  if (signal === 'SIGKILL') return undefined;
  expect([code, written.stderr]).toEqual([0, '']);
  return Number(/^done (\d+)$/m.exec(written.stdout)?.[1]);
}

async function run(folder: string, ...args: string[]): Promise<string> {
  const io = testIo({ env: envOf(folder, '0'), cwd: folder });
  const code = await runCommandLine(args, io);
  expect([code, io.written.stdout]).toEqual([0, expect.any(String)]);
  return io.written.stdout;
}

beforeAll(async () => {
  program = compiled(['src', 'projections', 'test/faults', 'test/support', 'test/cli']);
  symlinkSync(fileURLToPath(new URL('../../schemas', import.meta.url)), join(program.path, 'schemas'));
  await prepare();
}, 120_000);

afterAll(() => {
  program.remove();
  root.remove();
});

test(
  `a process that is killed at any of ${KILLS} moments of forgetting has forgotten everything after the next start`,
  { timeout: 60_000 + KILLS * 40_000 },
  async () => {
    expect(filesWith(prepared, SECRETS).length).toBeGreaterThan(0);
    const whole = join(root.path, 'whole');
    cpSync(prepared, whole, { recursive: true });
    const steps = (await forget(whole, 0)) ?? 0;
    expect(steps).toBeGreaterThan(50);
    expect(filesWith(whole, SECRETS)).toEqual([]);
    let kills = 0;
    for (let nth = 1; nth <= KILLS; nth++) {
      const folder = join(root.path, `killed-${nth}`);
      cpSync(prepared, folder, { recursive: true });
      const at = Math.max(1, Math.floor((steps * nth) / (KILLS + 1)));
      if ((await forget(folder, at)) === undefined) kills++;
      // A second one soon after, while what the first has left is made good.
      if ((await forget(folder, 30 + Math.floor(at / 2))) === undefined) kills++;
      await forget(folder, 0);
      const moment = `killed at step ${at} of ${steps}`;
      expect(filesWith(folder, SECRETS), moment).toEqual([]);
      expect(await run(folder, 'rebuild', '--check'), moment).toContain('Equal to the byte');
      const verified = await run(folder, 'verify');
      expect(verified, moment).toContain('Every record is whole, and every decision would be taken again.');
      expect(verified, moment).toMatch(/Forgotten: the content of 8\d events/);
    }
    expect(kills).toBeGreaterThan(KILLS);
  },
);
