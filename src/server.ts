import type { Topics } from '../projections/topics.js';
import type { Config, Listener } from './config.js';
import { unsupportedKeys } from './config/unsupported.js';
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
import type { LoggedRecord } from './log/log.js';
import { HealthWatch } from './observing.js';
import type { Position } from './log/position.js';
import { JoinedRooms } from './queries/joined-rooms.js';
import { MendingNodes } from './queries/mending-nodes.js';
import { Notifier } from './queries/notifier.js';
import { SharedPages } from './queries/shared-pages.js';
import type { ReadSide } from './queries/read-side.js';
import { ReadBarrier } from './queries/wait.js';
import { WritePace } from './queries/write-pace.js';
import { accounts } from './read-models/collections.js';
import { ReadModelNotReadyError, ReadStoreUnavailableError } from './read-models/errors.js';
import { uuid } from './runtime/random.js';
import { answers } from './server/answers.js';
import { openEngine, type Engine, type Ports } from './server/engine.js';
import { ownEphemera, sharedEphemera } from './server/ephemera.js';
import { followUp } from './server/follow-up.js';
import { forget, unredacted } from './server/forgetting.js';
import { ThreadedReadModels } from './server/projection-thread/read-models.js';
import { ownReadModels, sharedReadModels, type ReadModels } from './server/read-models.js';
import { openServingReadStore } from './stores.js';

export { openEngine, type Engine, type Ports } from './server/engine.js';

/** A whole server but for its listeners. */
export interface Core extends Engine {
  readonly read: ReadSide;
  readonly readModels: ReadModels;
}

/** Opens both sides, and follows the log: projections, cursors, wake-ups, each as far as it is this process's role. */
export async function openCore(config: Config, given: Partial<Ports> = {}): Promise<Core> {
  const engine = await openEngine(config, given);
  const { log, loggers, ports, write } = engine;
  const { roles } = config;
  const { projectionThread } = roles === null ? ports : {};
  const { store, isDamaged, onDamage } = await openServingReadStore(
    config,
    { isSuspect: engine.isSuspect, isThreaded: projectionThread !== undefined },
    loggers.read_models,
  ).catch(async (error: unknown) => {
    await engine.close();
    throw error;
  });
  const notifier = new Notifier();
  const onReadable = (topics: Topics, position: Position) => {
    notifier.notify({ ...topics, position });
  };
  const ephemera = roles === null ? ownEphemera(write) : sharedEphemera(write, loggers);
  let readModels: ReadModels;
  if (roles !== null) {
    const onRecords = async (records: readonly LoggedRecord[], position: Position) => {
      ephemera.take(records);
      await engine.roomIndexer.take(records, position);
    };
    readModels = sharedReadModels(engine, store, { onReadable, onRecords }, roles.includes('projections'));
  } else if (projectionThread !== undefined) {
    readModels = new ThreadedReadModels(engine, store, projectionThread, { onReadable, onDamage });
  } else {
    readModels = ownReadModels(engine, store, onReadable);
  }
  const joinedRooms = new JoinedRooms(store, notifier);
  const read: ReadSide = {
    serverName: config.server_name,
    epoch: log.epoch,
    store,
    nodes: new MendingNodes(write.ports.reader, mending(engine)),
    events: write.ports.events,
    clock: ports.clock,
    positions: readModels,
    pace: new WritePace(readModels, ports.clock),
    barrier: new ReadBarrier(readModels, roles === null ? undefined : () => log.end()),
    notifier,
    joinedRooms,
    sharedPages: new SharedPages(store, readModels),
    unredacted: unredacted(engine),
    ...ephemera,
  };
  wakeByEphemera(read);
  await readModels.start();
  const ending = new AbortController();
  const following = Promise.all([
    followUp(engine, store, ending.signal),
    forget(engine, store, readModels, ending.signal),
  ]);
  return {
    ...engine,
    read,
    readModels,
    health: async () => ({
      ...(await engine.health()),
      read_models:
        !isDamaged() && (await answers(store.serving(), ports.clock)) && (await readModels.isServing()),
    }),
    async close() {
      ending.abort();
      await following;
      await readModels.stop();
      await store.close();
      await engine.close();
    },
  };
}

/** Milliseconds between two passes: what one of them could not make, the next cannot either. */
const MENDING_PAUSE = 60_000;

/** Makes all state nodes again, one such pass at a time. */
function mending({ roomIndexer, loggers, ports: { clock } }: Engine): () => void {
  let underWay = false;
  let ended = -Infinity;
  return () => {
    if (underWay || clock.monotonic() - ended < MENDING_PAUSE) return;
    underWay = true;
    loggers.queries.warn('State nodes are missing or damaged: they are made again from the log.');
    roomIndexer
      .rebuildNodes()
      .catch((err: unknown) => {
        loggers.queries.error({ err }, 'State nodes could not be made again.');
      })
      .finally(() => {
        underWay = false;
        ended = clock.monotonic();
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
  const watch = new HealthWatch(core.health, core.ports, core.metrics, core.loggers.server);
  const close = async () => {
    watch.stop();
    await Promise.all(apps.map((app) => app.close()));
    await core.close();
  };
  try {
    // What takes longer than this to build is built while serving: reads say how far it is.
    await core.readModels.whenProcessed(core.log.head, READY_PATIENCE);
    const api = clientApi(core);
    const shared = appOptions(core, api);
    const unsupported = unsupportedKeys(config);
    if (unsupported.length > 0)
      core.loggers.server.warn({ unsupported }, 'This version does not have all that is configured.');
    // For the verbs that a running server has to carry out. What a killed server has left is nobody's: the lock is ours.
    const admin = {
      ...shared,
      schemas: new Schemas('admin'),
      routes: adminRoutes(core.write, () => core.readModels.rebuilding),
    };
    const socket = await openSocket(core.folder.socket, admin, core.loggers.server);
    if (socket !== undefined) apps.push(socket);
    const resources = {
      client: clientRoutes(api, config),
      metrics: metricsRoutes(core.metrics),
      health: healthRoutes(core.health),
    };
    const limited = { ...shared, ...configuredLimits(config, api.rateLimits, core.ports.clock) };
    const listeners = await openListeners(listenersOf(config), resources, limited);
    apps.push(...listeners.map(({ app }) => app));
    watch.start();
    return { ...core, listeners, api, firstStart: await hasNoAccount(core), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a process listens on: one that has no clients to answer can still be watched. */
function listenersOf({ listeners, roles }: Config): Listener[] {
  if (roles?.includes('http') !== false) return [...listeners];
  return listeners
    .map((listener) => ({
      ...listener,
      resources: listener.resources.filter((resource) => resource === 'metrics' || resource === 'health'),
    }))
    .filter(({ resources }) => resources.length > 0);
}

/** Unknown while the read models are being built, and then there has been a log before; and while they are away. */
async function hasNoAccount(core: Core): Promise<boolean> {
  try {
    return (await core.read.store.collection(accounts).count({ prefix: [], limit: 1 })) === 0;
  } catch (error) {
    if (error instanceof ReadModelNotReadyError || error instanceof ReadStoreUnavailableError) return false;
    throw error;
  }
}

function appOptions(core: Core, api: ClientApi): Omit<AppOptions, 'routes' | 'tls' | 'proxies'> {
  const { config, loggers, metrics, ports, readModels } = core;
  return {
    schemas: new Schemas('client'),
    authenticator: accountAuthenticator(api.sessions, core.write),
    log: loggers.http,
    observer: metrics,
    newRequestId: () => uuid(ports.random),
    bodyLimit: config.limits.request_bytes,
    closingPatience: config.limits.shutdown_seconds * 1000,
    progressOf: (projection) =>
      readModels.progress().find((each) => each.projection === projection)?.fraction,
  };
}
