/**
 * POST /registration-tokens
 *
 * On the data folder's socket only: how `engram token create` makes tokens while the server runs.
 */
import { createRegistrationToken } from '../../commands/registration.js';
import type { WriteSide } from '../../commands/write-side.js';
import { defineRoute, type Route } from '../route.js';

interface CreateRegistrationToken {
  readonly body: {
    readonly token: string;
    readonly uses_allowed?: number | null;
    /** Milliseconds since the epoch. */
    readonly expires_at?: number | null;
  };
}

export function registrationTokenRoutes(write: WriteSide): Route[] {
  return [
    defineRoute<CreateRegistrationToken, 'none'>({
      module: 'registration_tokens',
      name: 'createRegistrationToken',
      method: 'POST',
      paths: ['/registration-tokens'],
      auth: 'none',
      handler: async ({ body, correlationId }) => {
        const { token, uses_allowed: usesAllowed = null, expires_at: expiresAt = null } = body;
        const context = { correlationId, now: write.ports.clock.now() };
        await createRegistrationToken(write, token, { usesAllowed, expiresAt }, context);
        return { token };
      },
    }),
  ];
}
