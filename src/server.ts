import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../projections/pause.js';
import { ProjectionRunner } from '../projections/runner.js';
import { PROJECTIONS } from '../projections/index.js';
import { topicsOf } from '../projections/topics.js';
import { accountConsequences } from './commands/account-consequences.js';
import { RoomEvents } from './commands/room/room-events.js';
import { RoomIndexer } from './commands/room/room-indexer.js';
import type { RoomPorts } from './commands/room/room-session.js';
import type { AccountLimits } from './commands/limits.js';
import { openWriteSide, type WriteSide } from './commands/write-side.js';
import type { Config } from './config.js';
import { dataFolders } from './config/data-folders.js';
import { unsupportedKeys } from './config/unsupported.js';
import { EphemeralCounter } from './ephemeral/counter.js';
import { PresenceBoard } from './ephemeral/presence.js';
import { Typing } from './ephemeral/typing.js';
import { LogFormatError } from './log/errors.js';
import type { Log } from './log/log.js';
import { adminRoutes } from './http/admin/admin-api.js';
import type { AppOptions } from './http/app.js';
import { accountAuthenticator } from './http/authenticator.js';
import type { ClientApi } from './http/client/api.js';
import { clientApi } from './http/client/client-api.js';
import { clientRoutes } from './http/client/routes.js';
import { configuredLimits } from './http/limits/configured.js';
import { openListeners, openSocket, type OpenListener } from './http/listeners.js';
import { healthRoutes, metricsRoutes } from './http/monitoring.js';
import { Schemas } from './http/schemas.js';
import { createLoggers, type Loggers } from './logger.js';
import { createMetrics, type Metrics } from './metrics.js';
import { observeAppends, Progress } from './observing.js';
import { generateSigningKey, parseSigningKey, printSigningKey, type SigningKey } from './protocol/keys.js';
import { JoinedRooms } from './queries/joined-rooms.js';
import { MendingNodes } from './queries/mending-nodes.js';
import { Notifier } from './queries/notifier.js';
import type { ReadSide } from './queries/read-side.js';
import { ReadBarrier } from './queries/wait.js';
import { accounts } from './read-models/collections.js';
import { ReadModelNotReadyError } from './read-models/errors.js';
import { openLog, openReadStore } from './stores.js';
import { LmdbRoomState } from './room-state/lmdb.js';
import { CachedNodes } from './room-state/nodes.js';
import { systemClock, type Clock } from './runtime/clock.js';
import { writeFileDurably } from './runtime/durable-file.js';
import { systemRandom, uuid, type Random } from './runtime/random.js';

/** What a server takes from outside: a test hands in its own. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
}

const SYSTEM: Ports = { clock: systemClock, random: systemRandom };

export { dataFolders };

/** The write side of a server, with what it stands on. */
export interface Engine {
  readonly config: Config;
  readonly ports: Ports;
  readonly loggers: Loggers;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly roomState: LmdbRoomState;
  readonly write: WriteSide;
  close(): Promise<void>;
}

/** Opens what commands are decided with: enough to make an account, or to look at a room. */
export async function openEngine(config: Config, given: Partial<Ports> = {}): Promise<Engine> {
  const ports = { ...SYSTEM, ...given };
  mkdirSync(config.data_dir, { recursive: true, mode: 0o700 });
  const loggers = createLoggers(config.logging);
  const metrics = createMetrics();
  const log = await openLog(config, ports, observeAppends(metrics));
  const roomState = new LmdbRoomState(dataFolders(config).roomState, (err) => {
    loggers.commands.error({ err }, 'The room index could not be written; it stays in memory.');
  });
  const events = new RoomEvents(log, roomState, config.limits.room_cache_bytes);
  const reader = new CachedNodes(roomState, config.limits.state_cache_bytes);
  metrics.watchCache('room_events', () => events.figures);
  metrics.watchCache('state_nodes', () => reader.figures);
  const roomPorts: RoomPorts = {
    ...ports,
    log,
    serverName: config.server_name,
    signingKey: openSigningKey(dataFolders(config).keys, ports.random),
    index: roomState,
    nodes: roomState,
    reader,
    events,
  };
  const write = openWriteSide(roomPorts, accountLimits(config));
  await claimLog(log, config.server_name, write);
  await new RoomIndexer(roomPorts, write.roomAggregate).catchUp();
  return {
    config,
    ports,
    loggers,
    metrics,
    log,
    roomState,
    write,
    async close() {
      roomState.moveTo(log.head, log.epoch);
      await log.close();
      await roomState.close();
      metrics.close();
      loggers.close();
    },
  };
}

const SERVER_STREAM = 'server';

/** A log belongs to one server name for good: its events are signed with it. @throws LogFormatError */
async function claimLog(log: Log, serverName: string, write: WriteSide): Promise<void> {
  for await (const batch of log.read(SERVER_STREAM, { limit: 1 })) {
    for (const record of batch.records) {
      if (record.type !== 'server.initialised' || record.data.server_name === serverName) return;
      throw new LogFormatError(
        `This log belongs to the server ${record.data.server_name}, and the configuration says ${serverName}.`,
      );
    }
  }
  const context = { correlationId: 'start', now: write.ports.clock.now() };
  await write.others.handle(SERVER_STREAM, context, () => ({
    records: [{ type: 'server.initialised', version: 1, data: { server_name: serverName } }],
    result: undefined,
  }));
}

/** A whole server but for its listeners. */
export interface Core extends Engine {
  readonly read: ReadSide;
  readonly runner: ProjectionRunner;
}

/** Opens both sides, and follows the log: projections, cursors, wake-ups. */
export async function openCore(config: Config, given: Partial<Ports> = {}): Promise<Core> {
  const engine = await openEngine(config, given);
  const { log, loggers, metrics, ports, write } = engine;
  const store = await openReadStore(config);
  const notifier = new Notifier();
  const progress = new Progress(log, metrics);
  const runner = new ProjectionRunner({
    log,
    store,
    projections: PROJECTIONS,
    clock: ports.clock,
    logger: loggers.projections,
    onFatal: (err) => {
      loggers.projections.fatal({ err }, 'Read models are no longer kept up to date.');
    },
    onFolded: (records, position) => {
      progress.observe(runner);
      notifier.notify({ ...topicsOf(records), position });
    },
  });
  const counter = new EphemeralCounter(ports.clock);
  const typing = new Typing(ports.clock, counter);
  const presence = new PresenceBoard(ports.clock, counter);
  const joinedRooms = new JoinedRooms(store, notifier);
  const read: ReadSide = {
    serverName: config.server_name,
    epoch: log.epoch,
    store,
    nodes: new MendingNodes(write.ports.reader, mending(engine)),
    clock: ports.clock,
    positions: runner,
    barrier: new ReadBarrier(runner),
    notifier,
    joinedRooms,
    counter,
    typing,
    presence,
  };
  wakeByEphemera(read);
  await runner.start();
  progress.observe(runner);
  const ending = new AbortController();
  const consequences = follow(write, loggers, ports.clock, ending.signal);
  return {
    ...engine,
    read,
    runner,
    async close() {
      ending.abort();
      await consequences;
      await runner.stop();
      await store.close();
      await engine.close();
    },
  };
}

/** Makes all state nodes again, one such pass at a time. */
function mending({ write, loggers }: Engine): () => void {
  let underWay = false;
  return () => {
    if (underWay) return;
    underWay = true;
    loggers.queries.warn('State nodes are missing or damaged: they are made again from the log.');
    new RoomIndexer(write.ports, write.roomAggregate)
      .rebuildNodes()
      .catch((err: unknown) => {
        loggers.queries.error({ err }, 'State nodes could not be made again.');
      })
      .finally(() => {
        underWay = false;
      });
  };
}

/** Typing and presence wake those who share a room with whom they are about. */
function wakeByEphemera({ notifier, typing, presence, joinedRooms }: ReadSide): void {
  typing.changes.subscribe((roomId) => {
    notifier.notify({ rooms: new Set([roomId]), users: new Set() });
  });
  presence.changes.subscribe((userId) => {
    void joinedRooms
      .of(userId)
      .then((rooms) => {
        const joined = [...rooms.values()].filter(({ membership }) => membership === 'join');
        notifier.notify({ rooms: new Set(joined.map((room) => room.room_id)), users: new Set() });
      })
      .catch(() => undefined);
  });
}

/** Milliseconds. */
const CURSOR_PAUSE = 1000;

/** Runs the cursors until the signal aborts; one that fails goes on from where it was after a pause. */
async function follow(write: WriteSide, loggers: Loggers, clock: Clock, signal: AbortSignal): Promise<void> {
  const ended = () => signal.aborted;
  while (!ended()) {
    try {
      await accountConsequences(write).run(signal);
    } catch (err) {
      if (ended()) return;
      loggers.commands.error({ err }, 'A cursor failed, and is tried again.');
      await pause(clock, CURSOR_PAUSE, signal);
    }
  }
}

function accountLimits({ limits }: Config): AccountLimits {
  const { devices_per_user: devices, rooms_per_user: rooms, filters_per_user: filters } = limits;
  return { devices, rooms, filters, accountDataBytes: limits.account_data_bytes };
}

/** The server's signing key, made at the first start; losing it means that other servers cannot check our events. */
function openSigningKey(folder: string, random: Random): SigningKey {
  const file = join(folder, 'signing.key');
  if (existsSync(file)) return parseSigningKey(readFileSync(file, 'utf8').trim());
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const key = generateSigningKey((length) => random.bytes(length));
  writeFileDurably(file, Buffer.from(`${printSigningKey(key)}\n`));
  return key;
}

/** Milliseconds. */
const READY_PATIENCE = 2000;

/** A server that runs. */
export interface RunningServer extends Core {
  readonly listeners: readonly OpenListener[];
  /** Whether there is no account yet. */
  readonly firstStart: boolean;
  readonly api: ClientApi;
}

/** Opens a whole server with its listeners. */
export async function startServer(config: Config, given: Partial<Ports> = {}): Promise<RunningServer> {
  const core = await openCore(config, given);
  const apps: OpenListener['app'][] = [];
  const close = async () => {
    await Promise.all(apps.map((app) => app.close()));
    await core.close();
  };
  try {
    // What takes longer than this to build is built while serving: reads say how far it is.
    await core.runner.whenProcessed(core.log.head, READY_PATIENCE);
    const api = clientApi(core);
    const shared = appOptions(core, api);
    const unsupported = unsupportedKeys(config);
    if (unsupported.length > 0)
      core.loggers.server.warn({ unsupported }, 'This version does not have all that is configured.');
    // For the verbs that a running server has to carry out. What a killed server has left is nobody's: the lock is ours.
    const admin = { ...shared, schemas: new Schemas('admin'), routes: adminRoutes(core.write, core.runner) };
    const socket = await openSocket(dataFolders(config).socket, admin, core.loggers.server);
    if (socket !== undefined) apps.push(socket);
    const resources = {
      client: clientRoutes(api, config),
      metrics: metricsRoutes(core.metrics),
      health: healthRoutes(() => ({ read_models: core.runner.progress().every(({ serving }) => serving) })),
    };
    const limited = { ...shared, ...configuredLimits(config, api.rateLimits, core.ports.clock) };
    const listeners = await openListeners(config, resources, limited);
    apps.push(...listeners.map(({ app }) => app));
    return { ...core, listeners, api, firstStart: await hasNoAccount(core), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Unknown while the read models are being built, and then there has been a log before. */
async function hasNoAccount(core: Core): Promise<boolean> {
  try {
    return (await core.read.store.collection(accounts).count({ prefix: [], limit: 1 })) === 0;
  } catch (error) {
    if (error instanceof ReadModelNotReadyError) return false;
    throw error;
  }
}

function appOptions(core: Core, api: ClientApi): Omit<AppOptions, 'routes' | 'tls' | 'proxies'> {
  const { config, loggers, metrics, ports, runner } = core;
  return {
    schemas: new Schemas('client'),
    authenticator: accountAuthenticator(api.sessions, core.write),
    log: loggers.http,
    observer: metrics,
    newRequestId: () => uuid(ports.random),
    bodyLimit: config.limits.request_bytes,
    closingPatience: config.limits.shutdown_seconds * 1000,
    progressOf: (projection) => runner.progress().find((each) => each.projection === projection)?.fraction,
  };
}
