import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CursorPosition } from '../../../src/commands/cursor.js';
import { RedactionCursor } from '../../../src/commands/forgetting/redactions.js';
import { newEvent } from '../../../src/commands/room/new-event.js';
import { redactEvent } from '../../../src/commands/room-send.js';
import type { RecordBody } from '../../../src/log/records.js';
import { until } from '../../support/until.js';
import { World } from '../../support/world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const KEPT = 7 * DAY;

let world: World;
let alice: string;
let roomId: string;
let stop: AbortController;
let running: Promise<void>;

beforeEach(async () => {
  world = await World.open();
  alice = await world.user('alice');
  roomId = await world.room(alice, { name: 'Pub' });
  stop = new AbortController();
  running = Promise.resolve();
  lastRedaction = -1;
});

afterEach(async () => {
  await end();
  await world.close();
});

function run(keptFor = KEPT): void {
  stop = new AbortController();
  running = new RedactionCursor(world.side, keptFor).run(stop.signal);
}

async function end(): Promise<void> {
  stop.abort();
  await running;
}

/** Until the cursor waits for the time of a redaction, or has dealt with the last one. */
async function settled(): Promise<void> {
  await until(async () => {
    if (world.clock.pending > 0) return true;
    const position = await new CursorPosition(world.side, 'redactions').load();
    return position >= lastRedaction;
  });
}

async function passes(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += HOUR) {
    await settled();
    world.clock.advance(Math.min(HOUR, milliseconds - passed));
  }
  await settled();
}

let lastRedaction = -1;
let sends = 0;
const redact = async (target: string): Promise<string> => {
  const redaction = { target, content: { reason: 'Rude' }, transactionId: `r${++sends}` };
  const sender = { userId: alice, deviceId: 'PHONE' };
  const { result, position } = await redactEvent(world.side, sender, roomId, redaction, world.context());
  lastRedaction = position;
  return result.event_id;
};

async function forgotten(): Promise<string[]> {
  const facts = await world.recordsOf('content.forgotten');
  return facts.flatMap(({ data }) => data.events.map(({ event_id }) => event_id));
}

async function revisionOf(eventId: string): Promise<number | undefined> {
  const found = (await world.recordsOf('room.event.accepted')).find(({ data }) => data.event_id === eventId);
  return found?.revision;
}

describe('the content of a redacted event', () => {
  test('is to be forgotten when it was kept for its time, and not before', async () => {
    run();
    const said = await world.says(alice, roomId, 'Rude words');
    await redact(said);
    await passes(KEPT - MINUTE);
    expect(await forgotten()).toEqual([]);
    await passes(2 * MINUTE);
    const facts = await world.recordsOf('content.forgotten');
    const revision = await revisionOf(said);
    expect(facts.map(({ data, stream }) => [stream, data])).toEqual([
      [
        'forgotten',
        {
          cause: 'redacted',
          places: [{ stream: `room-${roomId}`, from: revision, to: revision }],
          events: [{ room_id: roomId, room_version: '12', event_id: said }],
        },
      ],
    ]);
    await passes(30 * DAY);
    expect(await forgotten()).toEqual([said]);
  });

  test('is to be forgotten at once where that is wanted, many in one record', async () => {
    const said: string[] = [];
    for (let i = 0; i < 20; i++) said.push(await world.says(alice, roomId, `${i}`));
    for (const one of said) await redact(one);
    run(0);
    await passes(1);
    expect(await forgotten()).toEqual(said);
    const facts = await world.recordsOf('content.forgotten');
    expect(facts).toHaveLength(1);
    // With the redactions after them, their revisions follow each other.
    expect(facts[0]?.data.places).toEqual([
      {
        stream: `room-${roomId}`,
        from: await revisionOf(said[0] ?? ''),
        to: await revisionOf(said[19] ?? ''),
      },
    ]);
  });

  test('is found wherever it was recorded, as an outlier first', async () => {
    const stream = `room-${roomId}`;
    const draft = { type: 'm.room.message', sender: alice, content: { body: 'Rude words' } };
    const { result: record } = await world.side.rooms.handle(stream, world.context(), async (room) => {
      const made = await newEvent(room, draft, world.context());
      return { records: [], result: made.record ?? expect.unreachable() };
    });
    const { event_id: said, room_version, event, forgettable = {} } = record.data;
    // Known before it has its place in the graph, as an event of another server may be.
    const data = { event_id: said, room_version, event, forgettable };
    const outlier: RecordBody = { type: 'room.event.outlier', version: 1, data };
    for (const body of [outlier, record]) {
      await world.side.rooms.handle(stream, world.context(), async (room) => {
        await room.load([said]);
        return { records: [body], result: undefined };
      });
    }
    await redact(said);
    run(0);
    await passes(1);
    const [fact] = await world.recordsOf('content.forgotten');
    const to = (await revisionOf(said)) ?? -1;
    const places = fact?.data.places ?? [];
    expect(places.flatMap((place) => [place.from, place.to]).sort()).toEqual([to - 1, to - 1, to, to]);
    await world.log.forget(places);
    const records = (await world.records(stream)).filter(
      (one) => 'event_id' in one.data && one.data.event_id === said,
    );
    expect(records.map((one) => one.forgotten)).toEqual([true, true]);
  });

  test('that came in by a commit with others is forgotten alone', async () => {
    const large = Array.from({ length: 30 }, (_, i) => ({
      type: 'example.page',
      state_key: `${i}`,
      content: { text: `${i} ${'x'.repeat(50_000)}` },
    }));
    const other = await world.room(alice, { initial_state: large });
    roomId = other;
    const page = (await world.recordsOf('room.event.accepted')).find(
      ({ stream, data }) => stream === `room-${other}` && data.event['state_key'] === '17',
    );
    expect(page?.index).toBeGreaterThan(0);
    await redact(page?.data.event_id ?? '');
    run(0);
    await passes(1);
    const [fact] = await world.recordsOf('content.forgotten');
    const { stream, revision, index } = page ?? expect.unreachable();
    expect(fact?.data.places).toEqual([{ stream, from: revision, to: revision, index }]);
    await world.log.forget(fact?.data.places ?? []);
    const after = await world.records(stream);
    expect(after.filter((record) => record.forgotten).map((record) => record.index)).toEqual([index]);
  });

  test('that has none, or is forgotten already, is left alone', async () => {
    run(0);
    const said = await world.says(alice, roomId, 'Rude words');
    await redact(said);
    await passes(1);
    for (const { data } of await world.recordsOf('content.forgotten')) await world.log.forget(data.places);
    await redact(said);
    const rules = (await world.recordsOf('room.event.accepted')).find(
      ({ data }) => data.event['type'] === 'm.room.join_rules',
    );
    await redact(rules?.data.event_id ?? '');
    await passes(1);
    expect(await forgotten()).toEqual([said]);
  });
});

describe('the time that content is kept', () => {
  test('goes on while no server runs', async () => {
    run();
    const said = await world.says(alice, roomId, 'Rude words');
    await redact(said);
    await passes(3 * DAY);
    await end();
    await world.restart();
    world.clock.advance(4 * DAY);
    run();
    await passes(1);
    expect(await forgotten()).toEqual([said]);
  });

  test('can be changed later, both ways', async () => {
    run();
    const said = await world.says(alice, roomId, 'Rude words');
    await redact(said);
    await passes(DAY);
    await end();
    run(30 * DAY);
    await passes(10 * DAY);
    expect(await forgotten()).toEqual([]);
    await end();
    run(DAY);
    await passes(1);
    expect(await forgotten()).toEqual([said]);
  });

  test('is for each redaction its own', async () => {
    run();
    const said = [await world.says(alice, roomId, '1'), await world.says(alice, roomId, '2')];
    await redact(said[0] ?? '');
    await passes(3 * DAY);
    await redact(said[1] ?? '');
    await passes(5 * DAY);
    expect(await forgotten()).toEqual([said[0]]);
    await passes(3 * DAY);
    expect(await forgotten()).toEqual(said);
  });

  test('is no shorter when the clock jumps ahead and is set right within the hour', async () => {
    run();
    await redact(await world.says(alice, roomId, 'Rude words'));
    await passes(DAY);
    world.clock.jump(30 * DAY);
    await passes(HOUR / 2);
    expect(await forgotten()).toEqual([]);
    world.clock.jump(-30 * DAY);
    await passes(5 * DAY);
    expect(await forgotten()).toEqual([]);
    await passes(DAY);
    expect(await forgotten()).toHaveLength(1);
  });

  test('is no shorter when the clock goes back, and longer by no more than it went', async () => {
    run();
    await redact(await world.says(alice, roomId, 'Rude words'));
    await passes(DAY);
    world.clock.jump(-2 * DAY);
    await world.says(alice, roomId, 'What day is it?');
    await passes(6 * DAY - HOUR);
    expect(await forgotten()).toEqual([]);
    await passes(2 * DAY + HOUR);
    expect(await forgotten()).toHaveLength(1);
  });

  test('is not endless for what was redacted while the clock was ahead by years', async () => {
    world.clock.jump(3650 * DAY);
    const first = await world.says(alice, roomId, 'Rude words');
    await redact(first);
    world.clock.jump(-3650 * DAY);
    run();
    await passes(HOUR);
    const second = await world.says(alice, roomId, 'Rude, too');
    await redact(second);
    await passes(KEPT - 2 * HOUR);
    expect(await forgotten()).toEqual([]);
    // A restart does not begin the time anew.
    await end();
    run();
    await passes(4 * HOUR);
    expect(await forgotten()).toEqual([first, second]);
  });

  test('takes no looks at the clock but every ten minutes', async () => {
    await redact(await world.says(alice, roomId, 'Rude words'));
    run();
    await settled();
    const due = world.clock.pending;
    world.clock.advance(599_000);
    expect(world.clock.pending).toBe(due);
    world.clock.advance(2000);
    expect(world.clock.pending).toBe(due - 1);
    await settled();
  });
});
