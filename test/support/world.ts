import { join } from 'node:path';
import { expect } from 'vitest';
import type { CommandContext, Done } from '../../src/commands/command.js';
import { createRoom, type CreateRoomRequest } from '../../src/commands/create-room.js';
import { joinRoom } from '../../src/commands/membership.js';
import { register } from '../../src/commands/registration.js';
import { sendEvent, sendState } from '../../src/commands/room-send.js';
import { RoomEvents } from '../../src/commands/room/room-events.js';
import { RoomIndexer } from '../../src/commands/room/room-indexer.js';
import type { RoomPorts } from '../../src/commands/room/room-session.js';
import { openWriteSide, type WriteSide } from '../../src/commands/write-side.js';
import { openLmdbLog } from '../../src/log/lmdb.js';
import type { Log, LoggedRecord } from '../../src/log/log.js';
import type { RecordOf, RecordType } from '../../src/log/records.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { MatrixError } from '../../src/protocol/errors.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { generateSigningKey } from '../../src/protocol/keys.js';
import { LmdbRoomState } from '../../src/room-state/lmdb.js';
import { CachedNodes } from '../../src/room-state/nodes.js';
import { temporaryFolder } from './folder.js';
import { ManualClock } from './manual-clock.js';
import { seededRandom } from './seeded-random.js';

export const SERVER = 'one.example';
const CACHE_BYTES = 1_000_000;

/** A write side over an embedded log in a folder of its own, under a clock that stands until it is moved. */
export class World {
  readonly clock = new ManualClock();
  readonly #folder = temporaryFolder();
  readonly #random = seededRandom('world');
  readonly #key = generateSigningKey((length) => this.#random.bytes(length));
  #opened: { log: Log; roomState: LmdbRoomState; side: WriteSide; ports: RoomPorts } | undefined;
  #transactions = 0;

  static async open(): Promise<World> {
    const world = new World();
    await world.start();
    return world;
  }

  get folder(): string {
    return this.#folder.path;
  }

  get side(): WriteSide {
    return this.#get().side;
  }

  get log(): Log {
    return this.#get().log;
  }

  get ports(): RoomPorts {
    return this.#get().ports;
  }

  get roomState(): LmdbRoomState {
    return this.#get().roomState;
  }

  context(): CommandContext {
    this.clock.advance(1);
    return { correlationId: 'test', now: this.clock.now() };
  }

  async start(): Promise<void> {
    const common = { clock: this.clock, random: this.#random };
    const keys = SealKeys.open(join(this.#folder.path, 'keys', 'seal.key'), this.#random);
    const log = await openLmdbLog({ folder: join(this.#folder.path, 'log'), ...common, keys });
    const roomState = new LmdbRoomState(join(this.#folder.path, 'room-state'), (error) => {
      throw error;
    });
    const ports: RoomPorts = {
      ...common,
      log,
      serverName: SERVER,
      signingKey: this.#key,
      index: roomState,
      nodes: roomState,
      reader: new CachedNodes(roomState),
      events: new RoomEvents(log, roomState, CACHE_BYTES),
    };
    const side = openWriteSide(ports);
    await new RoomIndexer(side).catchUp();
    this.#opened = { log, roomState, side, ports };
  }

  /** A second write side on the same log, as another process would be. */
  rival(): WriteSide {
    return openWriteSide(this.ports);
  }

  async stop(): Promise<void> {
    const { log, roomState } = this.#get();
    await log.close();
    await roomState.close();
    this.#opened = undefined;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async close(): Promise<void> {
    if (this.#opened !== undefined) await this.stop();
    this.#folder.remove();
  }

  /* What tests say often. */

  async user(name: string, password?: string): Promise<string> {
    const done = await register(
      this.side,
      { username: name, password, kind: 'user', method: 'open' },
      this.context(),
    );
    return done.result.userId;
  }

  async room(
    creator: string,
    request: CreateRoomRequest = {},
    members: readonly string[] = [],
  ): Promise<string> {
    const { result } = await createRoom(this.side, creator, request, '12', this.context());
    for (const member of members) await joinRoom(this.side, member, result.room_id, {}, this.context());
    return result.room_id;
  }

  async says(userId: string, roomId: string, body: string, transactionId?: string): Promise<string> {
    const message = {
      type: 'm.room.message',
      content: { msgtype: 'm.text', body },
      transactionId: transactionId ?? `t${++this.#transactions}`,
    };
    const sender = { userId, deviceId: 'PHONE' };
    return (await sendEvent(this.side, sender, roomId, message, this.context())).result.event_id;
  }

  async sets(
    userId: string,
    roomId: string,
    type: string,
    content: JsonObject,
    stateKey = '',
  ): Promise<string> {
    const sender = { userId, deviceId: 'PHONE' };
    const sent = await sendState(this.side, sender, roomId, { type, stateKey, content }, this.context());
    return sent.result.event_id;
  }

  /** The content at a key of a room's current state. */
  async state(roomId: string, type: string, stateKey = ''): Promise<JsonObject | undefined> {
    const done = await this.side.rooms.handle(`room-${roomId}`, this.context(), async (room) => {
      await room.loadState([{ type, stateKey }]);
      return { records: [], result: room.state(type, stateKey)?.content };
    });
    return done.result;
  }

  async records(stream?: string): Promise<LoggedRecord[]> {
    const found: LoggedRecord[] = [];
    const batches = stream === undefined ? this.log.readAll() : this.log.read(stream);
    for await (const batch of batches) found.push(...batch.records);
    return found;
  }

  async recordsOf<T extends RecordType>(type: T): Promise<(LoggedRecord & RecordOf<T>)[]> {
    const all = await this.records();
    return all.filter((record): record is LoggedRecord & RecordOf<T> => record.type === type);
  }

  /** When a command is given, then it is refused with this code and words, and nothing is recorded. */
  async refuses(command: () => Promise<unknown>, code: string, words?: RegExp): Promise<void> {
    const before = this.log.head;
    const error = await command().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(MatrixError);
    expect((error as MatrixError).code).toBe(code);
    if (words !== undefined) expect((error as MatrixError).message).toMatch(words);
    expect(this.log.head).toBe(before);
  }

  /** When a command is given, then exactly records of these types follow. */
  async leadsTo<T>(command: () => Promise<Done<T>>, types: readonly RecordType[]): Promise<T> {
    const before = this.log.head;
    const { result, position } = await command();
    const after: LoggedRecord[] = [];
    for await (const batch of this.log.readAll({ after: before })) after.push(...batch.records);
    expect(after.map((record) => record.type)).toEqual(types);
    if (types.length > 0) expect(position).toBe(after.at(-1)?.position);
    return result;
  }

  #get() {
    if (this.#opened === undefined) throw new Error('The world is stopped.');
    return this.#opened;
  }
}
