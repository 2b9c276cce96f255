/**
 * POST /users
 *
 * On the data folder's socket only: how `engram user create` makes accounts while the server runs.
 */
import { register } from '../../commands/registration.js';
import type { WriteSide } from '../../commands/write-side.js';
import { defineRoute, type Route } from '../route.js';

interface CreateUser {
  readonly body: { readonly username: string; readonly password: string; readonly admin?: boolean };
}

export function userRoutes(write: WriteSide): Route[] {
  return [
    defineRoute<CreateUser, 'none'>({
      module: 'users',
      name: 'createUser',
      method: 'POST',
      paths: ['/users'],
      auth: 'none',
      handler: async ({ body, correlationId }) => {
        const { username, password, admin = false } = body;
        const registration = { username, password, admin, kind: 'user', method: 'operator' } as const;
        const context = { correlationId, now: write.ports.clock.now() };
        const { result } = await register(write, registration, context);
        return { user_id: result.userId };
      },
    }),
  ];
}
