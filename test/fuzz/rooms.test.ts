import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSound } from '../support/soundness.js';
import { startTestServer, type Answer, type TestClient, type TestServer } from '../support/server.js';
import { Dice } from './dice.js';
import { actionOf, RoomModel, type Action } from './room-model.js';

/** docs/testing.md says how to run more. fast-check tells the seed of what fails, and the shortest story that does. */
const RUNS = Number(process.env['ENGRAM_MODEL_RUNS'] ?? 12);
const LONGEST_STORY = 120;
const NAMES = ['alice', 'bob', 'carol'];
const VERSIONS = ['7', '9', '10', '11', '12'];

let server: TestServer;
const people = new Map<string, TestClient>();

beforeAll(async () => {
  server = await startTestServer({ oddContent: true });
  for (const name of NAMES) people.set(name, await server.register(name));
});
afterAll(async () => {
  await expectSound(server.core);
  await server.close();
}, 120_000);

function client(name: string): TestClient {
  const found = people.get(name);
  if (found === undefined) throw new Error(`There is no ${name}.`);
  return found;
}

/** A room on the server, and what it should be. */
class Room {
  readonly model: RoomModel;
  readonly roomId: string;
  /** Event IDs of the messages, in the order of the model's. */
  readonly events: string[] = [];
  #transactions = 0;

  constructor(model: RoomModel, roomId: string) {
    this.model = model;
    this.roomId = roomId;
  }

  /** Does the same on both sides, which must agree on whether it may be done. */
  async act(action: Action): Promise<void> {
    const answer = await this.#ask(action);
    const allowed = this.model.act(action);
    const told = answer.status === 200 ? 'allowed' : `${answer.status} ${String(answer.errcode)}`;
    expect([action, told]).toEqual([action, allowed ? 'allowed' : '403 M_FORBIDDEN']);
    if (allowed && action.does === 'send') this.events.push(String(answer.body['event_id']));
  }

  async #ask(action: Action): Promise<Answer> {
    const by = client(action.by);
    const of = `/rooms/${this.roomId}`;
    switch (action.does) {
      case 'send':
        return by.put(`${of}/send/m.room.message/${++this.#transactions}`, { body: action.body });
      case 'redact': {
        const event = encodeURIComponent(this.events[action.message] ?? '');
        return by.put(`${of}/redact/${event}/${++this.#transactions}`);
      }
      case 'name':
        return by.put(`${of}/state/m.room.name`, { name: action.name });
      case 'join rule':
        return by.put(`${of}/state/m.room.join_rules`, { join_rule: action.rule });
      case 'join':
        return by.post(`/join/${this.roomId}`);
      case 'leave':
        return by.post(`${of}/leave`);
      case 'knock':
        return by.post(`/knock/${this.roomId}`);
      case 'power':
        return by.put(`${of}/state/m.room.power_levels`, await this.#levelsWith(action.whom, action.level));
      case 'invite':
      case 'kick':
      case 'ban':
      case 'unban':
        return by.post(`${of}/${action.does}`, { user_id: client(action.whom).userId });
    }
  }

  /** The room's levels with another one for a person; whoever asks, somebody who is in it reads them. */
  async #levelsWith(name: string, level: number): Promise<object> {
    const reader = NAMES.find((one) => this.model.isIn(one));
    if (reader === undefined) return {};
    const levels = (await client(reader).get(`/rooms/${this.roomId}/state/m.room.power_levels`)).ok();
    return { ...levels, users: { ...(levels['users'] as object), [client(name).userId]: level } };
  }

  /** Everybody is shown what the model has, or nothing where they have never been in. */
  async compare(): Promise<void> {
    for (const name of NAMES) {
      const reader = client(name);
      const answer = await reader.get(`/rooms/${this.roomId}/messages?dir=f&limit=1000`);
      if (!this.model.members.has(name)) answer.refused(403, 'M_FORBIDDEN');
      if (!this.model.isIn(name)) continue;
      const chunk = answer.ok()['chunk'] as { type: string; sender: string; content: { body?: string } }[];
      const said = chunk
        .filter(({ type }) => type === 'm.room.message')
        .map(({ sender, content }) => [sender, content.body]);
      expect(said).toEqual(
        this.model.messages.map(({ by, body, redacted }) => [client(by).userId, redacted ? undefined : body]),
      );
      await this.#compareState(reader);
    }
  }

  async #compareState(reader: TestClient): Promise<void> {
    const state = (await reader.get(`/rooms/${this.roomId}/state`)).ok() as unknown as {
      type: string;
      state_key: string;
      content: Record<string, unknown>;
    }[];
    const find = (type: string, key = '') =>
      state.find((event) => event.type === type && event.state_key === key)?.content;
    for (const name of NAMES) {
      expect([name, find('m.room.member', client(name).userId)?.['membership']]).toEqual([
        name,
        this.model.members.get(name),
      ]);
    }
    const levels = Object.fromEntries(
      [...this.model.users].map(([name, level]) => [client(name).userId, level]),
    );
    expect(find('m.room.power_levels')?.['users']).toEqual(levels);
    expect(find('m.room.name')?.['name']).toBe(this.model.name);
    expect(find('m.room.join_rules')?.['join_rule']).toBe(this.model.joinRule);
  }

  /** What a sync shows of who is in the room, and who is only invited. */
  async compareSyncs(): Promise<void> {
    for (const name of NAMES) {
      const { rooms } = (await client(name).get('/sync')).ok() as {
        rooms: Record<'join' | 'invite' | 'knock', Record<string, unknown>>;
      };
      const shown = (['join', 'invite', 'knock'] as const).find((part) => this.roomId in rooms[part]);
      const membership = this.model.members.get(name);
      expect([name, shown]).toEqual([
        name,
        membership === 'leave' || membership === 'ban' ? undefined : membership,
      ]);
    }
  }
}

describe(`random people in a room, ${RUNS} times`, () => {
  it(
    'are let do what the rules say, and see what came of it',
    async () => {
      const story = fc.record({
        version: fc.constantFrom(...VERSIONS),
        preset: fc.constantFrom('public_chat' as const, 'private_chat' as const),
        steps: fc.array(fc.integer({ min: 0, max: 2 ** 30 }), {
          minLength: 1,
          maxLength: LONGEST_STORY,
          size: 'max',
        }),
      });
      await fc.assert(
        fc.asyncProperty(story, async ({ version, preset, steps }) => {
          const made = await client('alice').post('/createRoom', { preset, room_version: version });
          const room = new Room(new RoomModel('alice', version, preset), String(made.ok()['room_id']));
          for (const step of steps) {
            await room.act(actionOf(new Dice(String(step)), NAMES, room.events.length));
          }
          await room.compare();
          await room.compareSyncs();
        }),
        // Making a story shorter takes as long as telling it: not for ever.
        { numRuns: RUNS, interruptAfterTimeLimit: 30_000 + RUNS * 10_000 },
      );
    },
    60_000 + RUNS * 20_000,
  );
});
