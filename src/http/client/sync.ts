/**
 * GET /_matrix/client/v3/sync
 *
 * Specification: Client-Server API, Syncing; Send-to-Device messaging.
 */
import { acknowledgeToDevice } from '../../commands/send-to-device.js';
import { storedFilter } from '../../queries/filters.js';
import { lastAcknowledged } from '../../queries/sync/to-device-part.js';
import { parseToken, type SyncToken } from '../../queries/tokens.js';
import { compileFilter, type Filter } from '../../protocol/filters.js';
import { MatrixError } from '../../protocol/errors.js';
import { JsonError, parseJsonObject } from '../../protocol/strict-json.js';
import { JsonText } from '../response.js';
import { defineRoute, v3, type Context, type Route } from '../route.js';
import { commandContext, done, upToDate, viewerOf, type ClientApi } from './api.js';
import type { Sync } from './types.js';

export function syncRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<Sync, 'required-or-guest'>({
      module: 'sync',
      name: 'sync',
      method: 'GET',
      paths: v3('/sync'),
      auth: 'required-or-guest',
      handler: async (request) => {
        const { user, query, signal } = request;
        await upToDate(api);
        const since = query.since === undefined ? undefined : parseToken(query.since, 'since');
        const filter = await filterOf(api, user.userId, query.filter);
        if (since !== undefined) await acknowledge(api, request, since);
        const text = await api.sync.answer({
          viewer: viewerOf(user),
          filter,
          since,
          fullState: query.full_state,
          // Clients that use the proposal's prefix want it in the answer too; without that they read `state`.
          stateAfter: query.use_state_after === true,
          setPresence: query.set_presence,
          timeout: Math.min(query.timeout, api.settings.longestPoll),
          signal,
        });
        return new JsonText(text);
      },
    }),
  ];
}

/**
 * Messages to the device that it has, since it goes on from a token beyond them, are kept no longer. Where that
 * cannot be recorded they are not told again all the same, and are given up by the next request.
 */
async function acknowledge(
  api: ClientApi,
  request: Context<Sync, 'required-or-guest'>,
  since: SyncToken,
): Promise<void> {
  const { userId, deviceId } = request.user;
  const last = await lastAcknowledged(api.read, viewerOf(request.user), since);
  if (last === undefined) return;
  const context = commandContext(api, request);
  try {
    await done(api, acknowledgeToDevice(api.write, userId, deviceId, last.revision, context));
  } catch (err) {
    request.log.warn({ err }, 'What a device has acknowledged could not be recorded.');
  }
}

/** The filter that a query string names by its ID, or brings along as JSON. */
async function filterOf(api: ClientApi, userId: string, text: string | undefined): Promise<Filter> {
  if (text === undefined) return compileFilter(undefined);
  if (text.startsWith('{')) return inlineFilter(text);
  const stored = await storedFilter(api.read, userId, text);
  if (stored === undefined) throw new MatrixError('M_INVALID_PARAM', 'You have no filter with this ID.');
  return compileFilter(stored);
}

function inlineFilter(text: string): Filter {
  try {
    return compileFilter(parseJsonObject(text, { duplicateKeys: 'last' }));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new MatrixError('M_NOT_JSON', `The filter cannot be used: ${error.message}.`);
  }
}
