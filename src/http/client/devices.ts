/**
 * GET /_matrix/client/v3/devices
 * GET, PUT, DELETE /_matrix/client/v3/devices/{deviceId}
 * POST /_matrix/client/v3/delete_devices
 *
 * Specification: Client-Server API, Device Management.
 */
import { deleteDevices, renameDevice } from '../../commands/devices.js';
import { MatrixError } from '../../protocol/errors.js';
import { deviceOf, devicesOf } from '../../queries/devices.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, doneWithTokens, upToDate, type ClientApi } from './api.js';
import type { DeleteDevice, DeleteDevices, GetDevice, GetDevices, UpdateDevice } from './types.js';

const BY_PASSWORD = [['m.login.password']];

export function devicesRoutes(api: ClientApi): Route[] {
  const one = v3('/devices/{deviceId}');
  return [
    defineRoute<GetDevices, 'required-or-guest'>({
      module: 'devices',
      name: 'getDevices',
      method: 'GET',
      paths: v3('/devices'),
      auth: 'required-or-guest',
      handler: async ({ user }) => ({ devices: await devicesOf(await upToDate(api), user.userId) }),
    }),
    defineRoute<GetDevice, 'required-or-guest'>({
      module: 'devices',
      name: 'getDevice',
      method: 'GET',
      paths: one,
      auth: 'required-or-guest',
      handler: async ({ user, params }) => {
        const device = await deviceOf(await upToDate(api), user.userId, params.deviceId);
        if (device === undefined) throw new MatrixError('M_NOT_FOUND', 'You have no such device.');
        return device;
      },
    }),
    defineRoute<UpdateDevice, 'required-or-guest'>({
      module: 'devices',
      name: 'updateDevice',
      method: 'PUT',
      paths: one,
      auth: 'required-or-guest',
      handler: async (request) => {
        const name = request.body.display_name ?? undefined;
        const context = commandContext(api, request);
        const { userId } = request.user;
        await done(api, renameDevice(api.write, userId, request.params.deviceId, name, context));
        return {};
      },
    }),
    defineRoute<DeleteDevice>({
      module: 'devices',
      name: 'deleteDevice',
      method: 'DELETE',
      paths: one,
      auth: 'required',
      handler: async (request) => {
        const { end } = await api.userInteractive.require(request, BY_PASSWORD);
        const { userId } = request.user;
        const context = commandContext(api, request);
        await doneWithTokens(api, deleteDevices(api.write, userId, [request.params.deviceId], context));
        end();
        return {};
      },
    }),
    defineRoute<DeleteDevices>({
      module: 'devices',
      name: 'deleteDevices',
      method: 'POST',
      paths: v3('/delete_devices'),
      auth: 'required',
      handler: async (request) => {
        const { body, end } = await api.userInteractive.require(request, BY_PASSWORD);
        const { devices } = body;
        if (devices === undefined) throw new MatrixError('M_MISSING_PARAM', 'The body lacks devices.');
        const context = commandContext(api, request);
        await doneWithTokens(api, deleteDevices(api.write, request.user.userId, devices, context));
        end();
        return {};
      },
    }),
  ];
}
