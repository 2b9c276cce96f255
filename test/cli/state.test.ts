import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { DataFolder } from '../support/data-folder.js';
import { ALICE, CAROL, forkedRoom, type ForkedRoom } from '../support/forked-room.js';
import { testIo } from './support.js';

let data: DataFolder;
let room: ForkedRoom;

beforeAll(async () => {
  data = new DataFolder();
  room = await data.with(({ write }) =>
    forkedRoom(write, () => {
      data.clock.advance(1000);
      return { correlationId: 'c', now: data.clock.now() };
    }),
  );
});

afterAll(() => {
  data.remove();
});

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const io = testIo({ env: data.env, cwd: data.path });
  const code = await runCommandLine(['state', ...args], io);
  return { code, ...io.written };
}

async function json(...args: string[]): Promise<JsonObject> {
  const { code, stdout, stderr } = await run(room.roomId, ...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as JsonObject;
}

describe('engram state', () => {
  it('shows the state of now as a table', async () => {
    const { code, stdout } = await run(room.roomId);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^TYPE +STATE KEY +SENDER +TIME \(UTC\) +EVENT +CONTENT$/m);
    const carol = stdout.split('\n').find((line) => line.includes(` ${CAROL} `));
    expect(carol).toContain('"membership":"ban"');
    expect(carol).toContain(ALICE);
  });

  it('shows the state of then, by event, position and time', async () => {
    const told = await json('--why', room.ban);
    const before = await json('--at', String(Number(told['position']) - 1));
    expect(before['root']).toBe(told['state_before']);
    const at = await json('--at', room.ban);
    expect(at['root']).toBe(told['state_after']);
    const time = new Date(Number(told['received_at'])).toISOString();
    expect((await json('--at', time))['root']).toBe(told['state_after']);
    expect((await run(room.roomId, '--at', '2001-01-01')).stdout).toContain('not known here yet');
  });

  it('tells what changed between two points', async () => {
    const { stdout } = await run(room.roomId, '--diff', room.merged, room.last);
    expect(stdout).toContain(`m.room.member ${JSON.stringify(CAROL)}`);
    expect(stdout).toContain(`+ ${room.ban} by ${ALICE}`);
    expect((await run(room.roomId, '--diff', room.last, room.last)).stdout).toContain('Nothing changed');
    const { changes } = await json('--diff', room.merged, room.last);
    expect(changes).toMatchObject([{ state_key: CAROL, by: { event: { event_id: room.ban } } }]);
  });

  it('tells why, for a person', async () => {
    const { stdout: soft } = await run(room.roomId, '--why', room.late);
    expect(soft).toContain('soft-failed');
    expect(soft).toMatch(/by the current state +refused by rule \d/);
    const { stdout: resolved } = await run(room.roomId, '--why', room.bobLevels);
    for (const words of [
      'was accepted',
      'In conflict',
      'Decided, in this order (power)',
      'Outcome for m.room',
    ]) {
      expect(resolved).toContain(words);
    }
  });

  it.each([
    [['!none:one.example'], 1, 'No room !none:one.example is known here.'],
    [['ROOM', '--at', '$none'], 1, 'No event $none'],
    [['ROOM', '--why', '$none'], 1, 'No event $none'],
    [['ROOM', '--at', 'yesterday'], 2, 'no point in time'],
    [['ROOM', '--diff', '1'], 2, 'two points'],
    [['ROOM', '--at', '1', '--why', '$x'], 2, 'one of'],
  ])('says what is wrong with %j', async (args, code, words) => {
    const told = await run(...args.map((arg) => (arg === 'ROOM' ? room.roomId : arg)));
    expect(told.stderr).toContain(words);
    expect(told.code).toBe(code);
    expect(told.stdout).toBe('');
  });
});
