import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/program.js';
import { roomStream } from '../../src/commands/aggregates/room.js';
import { createRoom } from '../../src/commands/create-room.js';
import { recordForgotten, sealedEvent } from '../../src/commands/forgetting/forgotten.js';
import { register } from '../../src/commands/registration.js';
import { sendEvent } from '../../src/commands/room-send.js';
import { isJsonObject } from '../../src/protocol/json.js';
import { DataFolder } from '../support/data-folder.js';
import { testIo } from './support.js';

let data: DataFolder;
let roomId: string;
let said: string;

beforeAll(async () => {
  data = new DataFolder();
  await data.with(async ({ write }) => {
    const context = () => {
      data.clock.advance(1000);
      return { correlationId: 'c', now: data.clock.now() };
    };
    const account = { username: 'alice', kind: 'user', method: 'open' } as const;
    const { userId } = (await register(write, account, context())).result;
    roomId = (await createRoom(write, userId, { name: 'Secret name' }, '12', context())).result.room_id;
    const message = { type: 'm.room.message', content: { body: 'Secret words' }, transactionId: 't' };
    const sender = { userId, deviceId: 'PHONE' };
    said = (await sendEvent(write, sender, roomId, message, context())).result.event_id;
    const name = await write.rooms.handle(roomStream(roomId), context(), (room) => ({
      records: [],
      result: room.stateId('m.room.name', '') ?? '',
    }));
    for (const eventId of [said, name.result]) {
      const sealed = await sealedEvent(write, roomId, eventId);
      if (sealed === undefined) throw new Error(`${eventId} has nothing to forget.`);
      await recordForgotten(write, { cause: 'redacted' }, [sealed], context());
      await write.ports.log.forget(sealed.places);
    }
  });
});

afterAll(() => {
  data.remove();
});

async function run(...args: string[]): Promise<string> {
  const io = testIo({ env: data.env, cwd: data.path });
  expect([await runCommandLine(args, io), io.written.stderr.replace(/^Verifying.*\n?/gm, '')]).toEqual([
    0,
    '',
  ]);
  expect(io.written.stdout).not.toContain('Secret');
  return io.written.stdout;
}

test('engram log cat says which records have lost their content', async () => {
  const lines = (await run('log', 'cat', '--room', roomId)).trim().split('\n');
  const records = lines.map((line): unknown => JSON.parse(line));
  const forgotten = records.filter(isJsonObject).filter((record) => record['forgotten'] === true);
  expect(forgotten).toHaveLength(2);
  expect(forgotten.at(-1)).toMatchObject({ data: { event_id: said, event: { content: {} } } });
  expect(await run('log', 'cat', '--type', 'content.forgotten')).toContain(said);
});

test('engram state says where content is forgotten', async () => {
  const table = await run('state', roomId);
  expect(table).toMatch(/^m\.room\.name .* \{\} \(the rest is forgotten\)$/m);
  expect(table.match(/forgotten/g)).toHaveLength(1);
  const { events } = JSON.parse(await run('state', roomId, '--json')) as {
    events: { type: string; forgotten?: boolean }[];
  };
  expect(events.filter(({ forgotten }) => forgotten).map(({ type }) => type)).toEqual(['m.room.name']);
  expect(await run('state', roomId, '--why', said)).toContain('(forgotten)');
});

test('engram verify says how much is forgotten, and that the rest stands', async () => {
  const text = await run('verify');
  expect(text).toContain('Forgotten: the content of 2 events.\n');
  expect(text).toContain('Every record is whole, and every decision would be taken again.');
});
