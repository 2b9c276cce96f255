/**
 * GET /_matrix/client/v3/capabilities
 *
 * Specification: Client-Server API, Capabilities negotiation.
 */
import { ROOM_VERSIONS } from '../../protocol/room-versions.js';
import { defineRoute, v3, type Route } from '../route.js';
import type { GetCapabilities } from './types.js';

export interface CapabilitiesOptions {
  readonly defaultRoomVersion: string;
}

export function capabilitiesRoutes({ defaultRoomVersion }: CapabilitiesOptions): Route[] {
  const answer = {
    capabilities: {
      'm.room_versions': {
        default: defaultRoomVersion,
        available: Object.fromEntries([...ROOM_VERSIONS.keys()].map((id) => [id, 'stable'])),
      },
      'm.change_password': { enabled: true },
      'm.profile_fields': { enabled: true },
      'm.set_displayname': { enabled: true },
      'm.set_avatar_url': { enabled: true },
      'm.3pid_changes': { enabled: false },
      'm.get_login_token': { enabled: false },
      'm.forget_forced_upon_leave': { enabled: false },
    },
  };
  return [
    // The specification does not list it among what guests may use, but guests' clients cannot start without it.
    defineRoute<GetCapabilities, 'required-or-guest'>({
      module: 'capabilities',
      name: 'getCapabilities',
      method: 'GET',
      paths: v3('/capabilities'),
      auth: 'required-or-guest',
      handler: () => answer,
    }),
  ];
}
