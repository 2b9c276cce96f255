import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/cli/io.js';
import { runCommandLine } from '../../src/cli/program.js';
import { roomStream } from '../../src/commands/aggregates/room.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { damageRecord } from '../support/damage.js';
import { DataFolder } from '../support/data-folder.js';
import { forkedRoom, type ForkedRoom } from '../support/forked-room.js';
import { testIo } from './support.js';

async function healthy(): Promise<{ data: DataFolder; room: ForkedRoom }> {
  const data = new DataFolder();
  const room = await data.with(({ write }) =>
    forkedRoom(write, () => {
      data.clock.advance(1000);
      return { correlationId: 'c', now: data.clock.now() };
    }),
  );
  return { data, room };
}

async function run(data: DataFolder, ...args: string[]) {
  const io = testIo({ env: data.env, cwd: data.path });
  const code = await runCommandLine(['verify', ...args], io);
  return { code, ...io.written };
}

async function report(data: DataFolder, ...args: string[]): Promise<{ code: number; report: JsonObject }> {
  const { code, stdout } = await run(data, '--json', ...args);
  return { code, report: JSON.parse(stdout) as JsonObject };
}

describe('engram verify', () => {
  let data: DataFolder;
  let room: ForkedRoom;
  beforeAll(async () => {
    ({ data, room } = await healthy());
  });
  afterAll(() => {
    data.remove();
  });

  it('finds nothing in a log that is whole, and counts what it could not check', async () => {
    const { code, stdout, stderr } = await run(data);
    expect(stdout).toContain('Every record is whole, and every decision would be taken again.');
    expect(stdout).toMatch(/Not checked: 5 signatures/);
    expect(stderr).toMatch(/^Verifying: 100%/);
    expect(code).toBe(0);
  });

  it('verifies while a server has the log open', async () => {
    await data.with(async () => {
      expect((await run(data)).code).toBe(0);
    });
  });

  it('verifies one room', async () => {
    const { code, report: told } = await report(data, '--room', room.roomId);
    expect(code).toBe(0);
    expect(told['records']).toBe(told['events']);
    expect((await run(data, '--room', '!none:one.example')).stderr).toContain('No room');
  });

  it('does not check signatures under a wrong name in silence', async () => {
    const io = testIo({ env: { ...data.env, ENGRAM_SERVER_NAME: 'two.example' }, cwd: data.path });
    expect(await runCommandLine(['verify'], io)).toBe(1);
    expect(io.written.stderr).toContain('belongs to the server one.example');
  });

  it('can be interrupted, and says where to go on', async () => {
    const io = testIo({ env: data.env, cwd: data.path });
    io.abort.abort(new Interrupted('SIGINT'));
    expect(await runCommandLine(['verify'], io)).toBe(130);
    const from = /--from (\d+)/.exec(io.written.stderr)?.[1];
    expect(from).toBeDefined();
    const { code, report: told } = await report(data, '--from', from ?? '');
    expect(code).toBe(0);
    expect(told).toMatchObject({ complete: true, findings: 0 });
  });
});

describe('engram verify, of a log that is not what it was', () => {
  let broken: DataFolder | undefined;
  afterEach(() => {
    broken?.remove();
  });

  it('finds a changed bit', async () => {
    const { data } = await healthy();
    broken = data;
    const last = await data.with(async ({ log }) => log.head);
    await damageRecord(data.path, last);
    const { code, report: told } = await report(data);
    expect(code).toBe(1);
    expect(told).toMatchObject({
      findings: 1,
      damaged: 1,
      listed: [{ kind: 'damaged', position: last, reason: 'Its checksum does not match.' }],
    });
    expect((await run(data)).stdout).toContain(`position ${last} (room-`);
  });

  it('finds an event that was made part of the room against the rules', async () => {
    const { data, room } = await healthy();
    broken = data;
    const position = await data.with(async ({ log, ports }) => {
      const stream = roomStream(room.roomId);
      const { rule, reason, ...said } = room.intruder;
      const forged = { ...said, extremities: [room.intruder.event_id] };
      const record = { type: 'room.event.accepted', version: 1, data: forged } as const;
      const id = '00000000-0000-4000-8000-000000000001';
      const metadata = { correlation_id: '', received_at: ports.clock.now() };
      await log.append(stream, await log.revision(stream), [{ ...record, id, metadata }]);
      return log.head;
    });
    const { code, report: told } = await report(data);
    expect(code).toBe(1);
    const [finding] = told['listed'] as JsonObject[];
    expect(finding).toMatchObject({ kind: 'decision', position, event_id: room.intruder.event_id });
    expect(finding?.['reason']).toMatch(/^Recorded as accepted, but it is rejected by rule \d/);
  });
});
