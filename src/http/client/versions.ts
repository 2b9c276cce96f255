/**
 * GET /_matrix/client/versions
 *
 * Specification: Client-Server API, API Versions; Specification Versions.
 */
import { defineRoute, type Route } from '../route.js';
import type { GetVersions } from './types.js';

/**
 * The versions whose rules our endpoints follow. Older clients look for `r0.6.1`. What a version has and this server
 * lacks answers M_UNRECOGNIZED, as the specification has it for endpoints that are not implemented.
 */
const VERSIONS = ['r0.6.1', ...Array.from({ length: 12 }, (_, minor) => `v1.${minor + 1}`)];

export function versionsRoutes(): Route[] {
  // Moderators may see what was redacted.
  const answer = { versions: VERSIONS, unstable_features: { 'fi.mau.msc2815': true } };
  return [
    // The answer is the same for everybody, so a token is not looked at: one that has expired does no harm.
    defineRoute<GetVersions, 'none'>({
      module: 'versions',
      name: 'getVersions',
      method: 'GET',
      paths: ['/_matrix/client/versions'],
      auth: 'none',
      handler: () => answer,
    }),
  ];
}
