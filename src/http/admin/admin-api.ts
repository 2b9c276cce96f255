import type { WriteSide } from '../../commands/write-side.js';
import type { Route } from '../route.js';
import { rebuildRoutes, type OnlineRebuild } from './rebuild.js';
import { registrationTokenRoutes } from './registration-tokens.js';
import { userRoutes } from './users.js';

/**
 * The operator's API. It asks nobody who they are: it belongs on the Unix socket in the data folder (mode 0600), and on no
 * other listener. Its schemas are those of `schemas/admin`.
 */
export function adminRoutes(write: WriteSide, models: () => OnlineRebuild | undefined): Route[] {
  return [...userRoutes(write), ...registrationTokenRoutes(write), ...rebuildRoutes(models)];
}
