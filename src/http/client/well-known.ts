/**
 * GET /.well-known/matrix/client
 * GET /.well-known/matrix/support
 * GET /.well-known/matrix/server
 *
 * Specification: Client-Server API, Server Discovery; Server-Server API, Resolving server names.
 */
import { MatrixError } from '../../protocol/errors.js';
import type { JsonObject } from '../../protocol/json.js';
import { defineRoute, type Route } from '../route.js';
import type { GetWellknown, GetWellknownServer, GetWellknownSupport } from './types.js';

export interface WellKnownOptions {
  /** The URL at which clients reach this server. */
  readonly baseUrl: string;
  readonly identityServer?: string | null;
  /** `host:port` at which other servers reach this one, where it is not the server name itself. */
  readonly server?: string | null;
  /** Whom to ask for help: `contacts`, `support_page`. */
  readonly support?: JsonObject | null;
}

export function wellKnownRoutes(options: WellKnownOptions): Route[] {
  const { identityServer, server, support } = options;
  const client = {
    'm.homeserver': { base_url: withoutSlash(options.baseUrl) },
    ...(identityServer == null ? {} : { 'm.identity_server': { base_url: withoutSlash(identityServer) } }),
  };
  return [
    defineRoute<GetWellknown, 'none'>({
      module: 'well_known',
      name: 'getWellknown',
      method: 'GET',
      paths: ['/.well-known/matrix/client'],
      auth: 'none',
      handler: () => client,
    }),
    defineRoute<GetWellknownSupport, 'none'>({
      module: 'well_known',
      name: 'getWellknownSupport',
      method: 'GET',
      paths: ['/.well-known/matrix/support'],
      auth: 'none',
      handler: () => support ?? notFound('This server names nobody to ask for help.'),
    }),
    defineRoute<GetWellknownServer, 'none'>({
      module: 'well_known',
      name: 'getWellknownServer',
      method: 'GET',
      paths: ['/.well-known/matrix/server'],
      auth: 'none',
      handler: () =>
        server == null ? notFound('Other servers reach this one at its own name.') : { 'm.server': server },
    }),
  ];
}

function notFound(message: string): never {
  throw new MatrixError('M_NOT_FOUND', message);
}

function withoutSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url;
}
