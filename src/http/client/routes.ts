import type { Config } from '../../config.js';
import type { Route } from '../route.js';
import { accountDataRoutes } from './account-data.js';
import { accountRoutes } from './account.js';
import type { ClientApi } from './api.js';
import { capabilitiesRoutes } from './capabilities.js';
import { contextRoutes } from './context.js';
import { createRoomRoutes } from './create-room.js';
import { devicesRoutes } from './devices.js';
import { directoryRoutes } from './directory.js';
import { eventsRoutes } from './events.js';
import { filterRoutes } from './filter.js';
import { loginRoutes } from './login.js';
import { membersRoutes } from './members.js';
import { membershipRoutes } from './membership.js';
import { messagesRoutes } from './messages.js';
import { notificationsRoutes } from './notifications.js';
import { oldSyncRoutes } from './old-sync.js';
import { peekingRoutes } from './peeking.js';
import { presenceRoutes } from './presence.js';
import { profileRoutes } from './profile.js';
import { readMarkersRoutes } from './read-markers.js';
import { receiptsRoutes } from './receipts.js';
import { pushersRoutes } from './pushers.js';
import { pushRulesRoutes } from './push-rules.js';
import { redactionRoutes } from './redaction.js';
import { registrationRoutes } from './registration.js';
import { relationsRoutes } from './relations.js';
import { roomSendRoutes } from './room-send.js';
import { roomStateRoutes } from './room-state.js';
import { roomSummaryRoutes } from './room-summary.js';
import { roomUpgradesRoutes } from './room-upgrades.js';
import { sendToDeviceRoutes } from './send-to-device.js';
import { sharedSecretRegistrationRoutes } from './shared-secret-registration.js';
import { syncRoutes } from './sync.js';
import { tagsRoutes } from './tags.js';
import { threadsRoutes } from './threads.js';
import { turnServerRoutes } from './turn-server.js';
import { typingRoutes } from './typing.js';
import { userDirectoryRoutes } from './user-directory.js';
import { userInteractiveRoutes } from './user-interactive.js';
import { versionsRoutes } from './versions.js';
import { wellKnownRoutes } from './well-known.js';

/** Every route of the client API, by the specification's modules. */
export function clientRoutes(api: ClientApi, config: Config): Route[] {
  return [...information(api, config), ...accounts(api), ...rooms(api), ...clientData(api)];
}

function information(api: ClientApi, config: Config): Route[] {
  const { turn, well_known: wellKnown } = config;
  return [
    ...versionsRoutes(),
    ...wellKnownRoutes({
      baseUrl: api.settings.publicBaseurl,
      identityServer: wellKnown.identity_server,
      server: wellKnown.server,
    }),
    ...capabilitiesRoutes({ defaultRoomVersion: api.settings.defaultRoomVersion }),
    ...turnServerRoutes({ ...turn, sharedSecret: turn.shared_secret }, api.write.ports.clock),
  ];
}

function accounts(api: ClientApi): Route[] {
  return [
    ...userInteractiveRoutes(api.userInteractive),
    ...registrationRoutes(api),
    ...sharedSecretRegistrationRoutes(api),
    ...loginRoutes(api),
    ...accountRoutes(api),
    ...devicesRoutes(api),
    ...profileRoutes(api),
  ];
}

function rooms(api: ClientApi): Route[] {
  return [
    ...createRoomRoutes(api),
    ...membershipRoutes(api),
    ...peekingRoutes(api),
    ...roomSendRoutes(api),
    ...roomStateRoutes(api),
    ...redactionRoutes(api),
    ...messagesRoutes(api),
    ...eventsRoutes(api),
    ...contextRoutes(api),
    ...relationsRoutes(api),
    ...notificationsRoutes(api),
    ...threadsRoutes(api),
    ...membersRoutes(api),
    ...directoryRoutes(api),
    ...roomSummaryRoutes(api),
    ...roomUpgradesRoutes(api),
    ...typingRoutes(api),
    ...receiptsRoutes(api),
    ...readMarkersRoutes(api),
  ];
}

/** What a client keeps here, and what it is told. */
function clientData(api: ClientApi): Route[] {
  return [
    ...syncRoutes(api),
    ...oldSyncRoutes(api),
    ...filterRoutes(api),
    ...accountDataRoutes(api),
    ...tagsRoutes(api),
    ...pushRulesRoutes(api),
    ...pushersRoutes(api),
    ...sendToDeviceRoutes(api),
    ...presenceRoutes(api),
    ...userDirectoryRoutes(api),
  ];
}
