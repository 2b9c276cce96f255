import { chmodSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Listener } from '../config.js';
import { createApp, type AppOptions } from './app.js';
import type { Route } from './route.js';

/** A listener that is open. */
export interface OpenListener {
  readonly url: string;
  readonly resources: readonly string[];
  readonly app: FastifyInstance;
}

/** Routes by the resource of a listener that they belong to. */
export type Resources = Readonly<Partial<Record<Listener['resources'][number], readonly Route[]>>>;

/**
 * Opens listeners, each with the routes of its resources. If one cannot be opened, those
 * that were are closed again.
 */
export async function openListeners(
  listeners: readonly Listener[],
  resources: Resources,
  shared: Omit<AppOptions, 'routes' | 'tls' | 'proxies'>,
): Promise<OpenListener[]> {
  const open: OpenListener[] = [];
  try {
    for (const listener of listeners) open.push(await openListener(listener, resources, shared));
  } catch (error) {
    await Promise.all(open.map(({ app }) => app.close()));
    throw error;
  }
  return open;
}

async function openListener(
  listener: Listener,
  resources: Resources,
  { connectionsPerAddress, ...shared }: Omit<AppOptions, 'routes' | 'tls' | 'proxies'>,
): Promise<OpenListener> {
  const { tls, host, port, trust_proxy: trusted } = listener;
  const proxies = Number(trusted);
  const app = createApp({
    ...shared,
    routes: listener.resources.flatMap((resource) => resources[resource] ?? []),
    proxies,
    // A proxy's connections are those of all of its clients.
    ...(proxies > 0 || connectionsPerAddress === undefined ? {} : { connectionsPerAddress }),
    ...(tls === null ? {} : { tls: { cert: readFileSync(tls.cert_file), key: readFileSync(tls.key_file) } }),
  });
  await app.listen({ host, port });
  const address = app.server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  const url = `${tls === null ? 'http' : 'https'}://${shown}:${address.port}`;
  return { url, resources: listener.resources, app };
}

/** Bytes; what all systems take. */
const LONGEST_SOCKET_PATH = 100;

/**
 * Listens on a Unix socket that only its owner may open, taking the place of one that is there. `undefined`, and a
 * warning, where the path is longer than sockets can have.
 */
export async function openSocket(
  path: string,
  options: Omit<AppOptions, 'authenticator'>,
  log: { warn(fields: object, message: string): void },
): Promise<FastifyInstance | undefined> {
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    log.warn(
      { socket: path },
      "The path of the operator's socket is too long: stop the server to use its verbs.",
    );
    return undefined;
  }
  rmSync(path, { force: true });
  // Whoever can open the socket may do everything: its routes ask nobody for a token.
  const app = createApp({ ...options, authenticator: { authenticate: () => Promise.resolve(undefined) } });
  await app.listen({ path });
  chmodSync(path, 0o600);
  return app;
}
