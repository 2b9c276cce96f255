/**
 * GET, PUT /_matrix/client/v3/user/{userId}/account_data/{type}
 * GET, PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}
 *
 * Specification: Client-Server API, Client Config.
 */
import { setAccountData } from '../../commands/account-data.js';
import { MatrixError } from '../../protocol/errors.js';
import type { JsonObject } from '../../protocol/json.js';
import { accountDataContent } from '../../queries/account-data.js';
import { JsonText } from '../response.js';
import { defineRoute, v3, type Context, type Route } from '../route.js';
import { commandContext, done, requireSelf, upToDate, type ClientApi } from './api.js';
import type {
  GetAccountData,
  GetAccountDataPerRoom,
  SetAccountData,
  SetAccountDataPerRoom,
} from './types.js';

export function accountDataRoutes(api: ClientApi): Route[] {
  const ofAccount = v3('/user/{userId}/account_data/{type}');
  const ofRoom = v3('/user/{userId}/rooms/{roomId}/account_data/{type}');
  return [
    defineRoute<GetAccountData>({
      module: 'account_data',
      name: 'getAccountData',
      method: 'GET',
      paths: ofAccount,
      auth: 'required',
      handler: (request) => read(api, request, ''),
    }),
    defineRoute<SetAccountData>({
      module: 'account_data',
      name: 'setAccountData',
      method: 'PUT',
      paths: ofAccount,
      auth: 'required',
      handler: (request) => write(api, request, null),
    }),
    defineRoute<GetAccountDataPerRoom>({
      module: 'account_data',
      name: 'getAccountDataPerRoom',
      method: 'GET',
      paths: ofRoom,
      auth: 'required',
      handler: (request) => read(api, request, request.params.roomId),
    }),
    defineRoute<SetAccountDataPerRoom>({
      module: 'account_data',
      name: 'setAccountDataPerRoom',
      method: 'PUT',
      paths: ofRoom,
      auth: 'required',
      handler: (request) => write(api, request, request.params.roomId),
    }),
  ];
}

async function read(
  api: ClientApi,
  request: Context<GetAccountData, 'required'>,
  roomId: string,
): Promise<JsonText> {
  const { userId, type } = request.params;
  requireSelf(request, userId);
  const content = await accountDataContent(await upToDate(api), userId, roomId, type);
  if (content === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no account data of this type.');
  return new JsonText(content);
}

async function write(
  api: ClientApi,
  request: Context<GetAccountData & { readonly body: JsonObject }, 'required'>,
  roomId: string | null,
): Promise<object> {
  const { userId, type } = request.params;
  requireSelf(request, userId);
  const context = commandContext(api, request);
  await done(api, setAccountData(api.write, userId, roomId, type, request.body, context));
  return {};
}
