import { accountNamed, isPasswordOf } from '../../commands/login.js';
import { isRegistrationTokenValid } from '../../commands/registration.js';
import { sessionInLog } from '../../commands/sessions.js';
import { tokenHash } from '../../commands/tokens.js';
import type { WriteSide } from '../../commands/write-side.js';
import { publicBaseUrl, type Config } from '../../config.js';
import type { ReadSide } from '../../queries/read-side.js';
import { EventStream } from '../../queries/event-stream.js';
import { Sessions } from '../../queries/sessions.js';
import { RoomActivity } from '../../queries/sync/room-activity.js';
import { Sync } from '../../queries/sync/sync.js';
import { LoginAttempts } from '../limits/login-attempts.js';
import { RateLimits } from '../limits/rate-limits.js';
import { dummyStage, passwordStage, registrationTokenStage } from '../user-interactive-stages.js';
import { UserInteractive } from '../user-interactive.js';
import type { ClientApi, ClientSettings } from './api.js';

/** Puts together what the routes of the client API call, over both sides of a server. */
export function clientApi(core: { config: Config; write: WriteSide; read: ReadSide }): ClientApi {
  const { write, read } = core;
  const settings = clientSettings(core.config);
  // An earlier run may have acknowledged what the read models do not have yet.
  read.barrier.acknowledged(write.ports.log.head);
  const activity = new RoomActivity(read.store, read.notifier);
  const rateLimits = new RateLimits(core.config.rate_limits, write.ports.clock);
  const loginAttempts = new LoginAttempts(rateLimits);
  return {
    settings,
    write,
    read,
    userInteractive: userInteractive(settings, write, loginAttempts),
    rateLimits,
    loginAttempts,
    sessions: new Sessions(read, (token) => sessionInLog(write, token)),
    sync: new Sync(read, activity),
    eventStream: new EventStream(read, activity),
  };
}

export function clientSettings(config: Config): ClientSettings {
  const { registration } = config;
  return {
    serverName: config.server_name,
    publicBaseurl: publicBaseUrl(config),
    baseurlConfigured: config.public_baseurl !== null,
    defaultRoomVersion: config.default_room_version,
    registration: {
      enabled: registration.enabled,
      requireToken: registration.require_token || registration.tokens.length > 0,
      allowGuests: registration.allow_guests,
      sharedSecret: registration.shared_secret,
      tokens: registration.tokens,
    },
    roomListWithoutAuth: config.room_list.allow_without_auth,
    tokenLifetime: config.access_tokens.refreshable_lifetime * 1000,
    longestPoll: config.limits.poll_seconds * 1000,
  };
}

function userInteractive(
  settings: ClientSettings,
  write: WriteSide,
  attempts: LoginAttempts,
): UserInteractive {
  const { clock, random } = write.ports;
  const configured = configuredTokens(settings);
  return new UserInteractive({
    clock,
    random,
    stages: new Map([
      ['m.login.dummy', dummyStage],
      [
        'm.login.password',
        passwordStage((user, password, address) => {
          const userId = accountNamed(write, user);
          return attempts.checked(userId ?? user, address, async () => {
            // A name that cannot be has no password either, and takes as long to say so.
            const isRight = await isPasswordOf(write, userId ?? '', password);
            return isRight ? userId : undefined;
          });
        }),
      ],
      [
        'm.login.registration_token',
        registrationTokenStage((token, session) =>
          configured(token)
            ? Promise.resolve(true)
            : isRegistrationTokenValid(write, token, { correlationId: session, now: clock.now() }),
        ),
      ],
    ]),
  });
}

/** Whether a token is one of the configuration; compared by hash, so that the time it takes tells nothing. */
export function configuredTokens({ registration }: ClientSettings): (token: string) => boolean {
  const known = new Set(registration.tokens.map(tokenHash));
  return (token) => known.has(tokenHash(token));
}
