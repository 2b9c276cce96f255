import type { CommandContext, Done } from '../../src/commands/command.js';
import { createRoom, type CreateRoomRequest } from '../../src/commands/create-room.js';
import { joinRoom } from '../../src/commands/membership.js';
import { register } from '../../src/commands/registration.js';
import { sendEvent, sendState } from '../../src/commands/room-send.js';
import { loadConfig } from '../../src/config.js';
import { compileFilter } from '../../src/protocol/filters.js';
import type { JsonObject, JsonValue } from '../../src/protocol/json.js';
import { RoomActivity } from '../../src/queries/sync/room-activity.js';
import { Sync } from '../../src/queries/sync/sync.js';
import { parseToken } from '../../src/queries/tokens.js';
import { openCore, type Core, type Ports } from '../../src/server.js';
import { temporaryFolder } from './folder.js';
import { ManualClock } from './manual-clock.js';

/** What a `/sync` answers, as far as tests look at it. */
export interface SyncAnswer {
  readonly next_batch: string;
  readonly account_data: Events;
  readonly presence: Events;
  readonly rooms: {
    readonly join: Readonly<Record<string, JoinedRoom>>;
    readonly invite: Readonly<Record<string, { readonly invite_state: Events }>>;
    readonly knock: Readonly<Record<string, { readonly knock_state: Events }>>;
    readonly leave: Readonly<Record<string, JoinedRoom>>;
  };
}

export interface JoinedRoom {
  readonly timeline: Events & { readonly limited: boolean; readonly prev_batch: string };
  readonly state?: Events;
  readonly state_after?: Events;
  readonly ephemeral: Events;
  readonly account_data: Events;
  readonly summary: Readonly<Record<string, unknown>>;
  readonly unread_notifications: { readonly notification_count: number; readonly highlight_count: number };
}

interface Events {
  readonly events: readonly ClientEvent[];
}

export interface ClientEvent {
  readonly type: string;
  readonly state_key?: string;
  readonly sender?: string;
  readonly event_id?: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly unsigned?: Readonly<Record<string, unknown>>;
}

export interface SyncOptions {
  readonly since?: string;
  readonly filter?: JsonValue;
  readonly timeout?: number;
  readonly fullState?: boolean;
  readonly stateAfter?: boolean;
  readonly signal?: AbortSignal;
  readonly deviceId?: string;
}

/** A server without listeners, in a folder of its own, under a clock that stands until it is moved. */
export class TestCore {
  readonly clock = new ManualClock();
  readonly #folder = temporaryFolder();
  #core: Core | undefined;
  #sync: Sync | undefined;
  #transactions = 0;

  readonly #ports: Partial<Ports>;

  constructor(ports: Partial<Ports> = {}) {
    this.#ports = ports;
  }

  static async open(ports: Partial<Ports> = {}): Promise<TestCore> {
    const test = new TestCore(ports);
    await test.start();
    return test;
  }

  get core(): Core {
    if (this.#core === undefined) throw new Error('The core is stopped.');
    return this.#core;
  }

  async start(): Promise<void> {
    const env = { ENGRAM_DATA_DIR: this.#folder.path, ENGRAM_LOGGING__LEVEL: 'fatal' };
    this.#core = await openCore(loadConfig({ env, cwd: this.#folder.path }), {
      clock: this.clock,
      ...this.#ports,
    });
    const { read } = this.#core;
    this.#sync = new Sync(read, new RoomActivity(read.store, read.notifier));
  }

  async restart(): Promise<void> {
    await this.core.close();
    await this.start();
  }

  async close(): Promise<void> {
    await this.core.close();
    this.#folder.remove();
  }

  context(): CommandContext {
    this.clock.advance(1);
    return { correlationId: 'test', now: this.clock.now() };
  }

  /** A command's result, acknowledged as a route would. */
  async done<T>(command: Promise<Done<T>>): Promise<T> {
    const { result, position } = await command;
    this.core.read.barrier.acknowledged(position);
    return result;
  }

  async sync(userId: string, options: SyncOptions = {}): Promise<SyncAnswer> {
    const { read } = this.core;
    await read.barrier.reached(5000);
    const text = await this.#sync?.answer({
      viewer: { userId, deviceId: options.deviceId ?? 'PHONE' },
      filter: compileFilter(options.filter),
      since: options.since === undefined ? undefined : parseToken(options.since, 'since'),
      fullState: options.fullState ?? false,
      stateAfter: options.stateAfter ?? false,
      setPresence: 'offline',
      timeout: options.timeout ?? 0,
      signal: options.signal ?? new AbortController().signal,
    });
    return JSON.parse(text ?? '') as SyncAnswer;
  }

  async user(username: string): Promise<string> {
    const account = { username, kind: 'user', method: 'open' } as const;
    return (await this.done(register(this.core.write, account, this.context()))).userId;
  }

  async room(
    creator: string,
    request: CreateRoomRequest = {},
    members: readonly string[] = [],
  ): Promise<string> {
    const made = await this.done(createRoom(this.core.write, creator, request, '12', this.context()));
    for (const member of members) await this.joins(member, made.room_id);
    return made.room_id;
  }

  joins(userId: string, roomId: string): Promise<unknown> {
    return this.done(joinRoom(this.core.write, userId, roomId, {}, this.context()));
  }

  async says(userId: string, roomId: string, body: string): Promise<string> {
    const content = { msgtype: 'm.text', body };
    const message = { type: 'm.room.message', content, transactionId: `t${++this.#transactions}` };
    const sender = { userId, deviceId: 'PHONE' };
    return (await this.done(sendEvent(this.core.write, sender, roomId, message, this.context()))).event_id;
  }

  async sets(
    userId: string,
    roomId: string,
    type: string,
    content: JsonObject,
    stateKey = '',
  ): Promise<string> {
    const sender = { userId, deviceId: 'PHONE' };
    const event = { type, stateKey, content };
    return (await this.done(sendState(this.core.write, sender, roomId, event, this.context()))).event_id;
  }
}
