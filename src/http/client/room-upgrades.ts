/**
 * POST /_matrix/client/v3/rooms/{roomId}/upgrade
 *
 * Specification: Client-Server API, Room Upgrades.
 */
import { upgradeRoom } from '../../commands/room-upgrade.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, type ClientApi } from './api.js';
import type { UpgradeRoom } from './types.js';

export function roomUpgradesRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<UpgradeRoom>({
      module: 'room_upgrades',
      name: 'upgradeRoom',
      method: 'POST',
      paths: v3('/rooms/{roomId}/upgrade'),
      auth: 'required',
      handler: (request) => {
        const { params, user, body } = request;
        return done(
          api,
          upgradeRoom(
            api.write,
            user.userId,
            params.roomId,
            body.new_version,
            body.additional_creators,
            commandContext(api, request),
          ),
        );
      },
    }),
  ];
}
