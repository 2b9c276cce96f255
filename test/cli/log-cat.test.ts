import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.js';
import { createRoom } from '../../src/commands/create-room.js';
import { register } from '../../src/commands/registration.js';
import { sendEvent } from '../../src/commands/room-send.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { DataFolder } from '../support/data-folder.js';
import { damageRecord } from '../support/damage.js';
import { testIo } from './support.js';

const ALICE = '@alice:one.example';
let data: DataFolder;
let room: string;
let head: number;

beforeAll(async () => {
  data = new DataFolder();
  await data.with(async ({ write, log }) => {
    const context = { correlationId: 'c1', now: data.clock.now() };
    await register(
      write,
      { username: 'alice', password: 'a secret of hers', kind: 'user', method: 'operator' },
      context,
    );
    room = (await createRoom(write, ALICE, { name: 'Pub' }, '11', context)).result.room_id;
    for (let n = 1; n <= 3; n++) {
      const message = {
        type: 'm.room.message',
        content: { msgtype: 'm.text', body: `Hello ${n}` },
        transactionId: `t${n}`,
      };
      await sendEvent(write, { userId: ALICE, deviceId: 'PHONE' }, room, message, context);
    }
    head = log.head;
  });
});

afterAll(() => {
  data.remove();
});

async function cat(...args: string[]): Promise<JsonObject[]> {
  const io = testIo({ env: data.env, cwd: data.path });
  expect(await runCommandLine(['log', 'cat', ...args], io)).toBe(0);
  expect(io.written.stderr).toBe('');
  const lines = io.written.stdout.split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line) as JsonObject);
}

const positions = (records: readonly JsonObject[]) => records.map((record) => record['position']);

describe('engram log cat', () => {
  it('prints every record in the order of the log, with its place and what it says', async () => {
    const records = await cat();
    expect(positions(records)).toEqual(Array.from({ length: head }, (_, i) => i + 1));
    expect(records.find((record) => record['type'] === 'user.registered')).toMatchObject({
      stream: `user-${ALICE}`,
      revision: 0,
      index: 0,
      version: 1,
      metadata: { correlation_id: 'c1' },
      data: { user_id: ALICE },
    });
    expect(records.at(-1)).toMatchObject({
      type: 'room.event.accepted',
      data: { forgettable: { content: { body: 'Hello 3' } } },
    });
  });

  it('holds no password', async () => {
    expect(JSON.stringify(await cat())).not.toContain('a secret of hers');
  });

  it('keeps to a range, a type, a stream, a number, and goes backwards', async () => {
    expect(positions(await cat('--from', '3', '--to', '5'))).toEqual([3, 4, 5]);
    expect(positions(await cat('--reverse', '--from', '3', '--to', '5'))).toEqual([5, 4, 3]);
    const [registered, ...others] = await cat('--type', 'user.registered');
    expect(others).toEqual([]);
    const ofRoom = await cat('--room', room);
    expect(ofRoom).toEqual(await cat('--stream', `room-${room}`));
    expect(ofRoom.map((record) => record['revision'])).toEqual(ofRoom.map((_, i) => i));
    const [, second = NaN, third = NaN] = positions(ofRoom);
    const [from, to] = [JSON.stringify(second), JSON.stringify(third)];
    expect(positions(await cat('--room', room, '--from', from, '--limit', '2'))).toEqual([second, third]);
    expect(positions(await cat('--room', room, '--reverse', '--to', to, '--limit', '2'))).toEqual([
      third,
      second,
    ]);
    expect(await cat('--user', ALICE)).toEqual([registered]);
    expect(await cat('--stream', 'nowhere')).toEqual([]);
  });

  it('shows a damaged record where it lies, with the reason', async () => {
    const broken = new DataFolder();
    try {
      const last = await broken.with(async ({ write, log }) => {
        for (const username of ['a', 'b', 'c']) {
          await register(
            write,
            { username, kind: 'user', method: 'operator' },
            { correlationId: '', now: 1 },
          );
        }
        return log.head;
      });
      await damageRecord(broken.path, last - 1);
      const io = testIo({ env: broken.env, cwd: broken.path });
      expect(await runCommandLine(['log', 'cat', '--type', 'user.registered'], io)).toBe(0);
      const lines = io.written.stdout.trim().split('\n').map((line) => JSON.parse(line) as JsonObject); // prettier-ignore
      expect(positions(lines)).toEqual([last - 2, last - 1, last]);
      expect(lines[1]).toEqual({
        damaged: true,
        position: last - 1,
        stream: 'user-@b:one.example',
        revision: 0,
        reason: expect.stringContaining('checksum') as string,
      });
    } finally {
      broken.remove();
    }
  });

  it('says that there is no log, and makes none', async () => {
    const empty = new DataFolder();
    const io = testIo({ env: empty.env, cwd: empty.path });
    expect(await runCommandLine(['log', 'cat'], io)).toBe(1);
    expect(io.written.stderr).toContain('There is no log in');
    empty.remove();
  });

  it.each([
    [['--type', 'nonsense'], 'There is no record type "nonsense"'],
    [['--room', 'a', '--user', 'b'], 'one of'],
    [['--from', '-1'], 'whole number'],
    [['--limit', '1e3'], 'whole number'],
  ])('refuses %j', async (args, words) => {
    const io = testIo({ env: data.env, cwd: data.path });
    expect(await runCommandLine(['log', 'cat', ...args], io)).toBe(2);
    expect(io.written.stderr).toContain(words);
  });
});
