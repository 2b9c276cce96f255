/**
 * GET /_matrix/client/v3/profile/{userId}
 * GET, PUT, DELETE /_matrix/client/v3/profile/{userId}/{keyName}
 *
 * Specification: Client-Server API, Profiles.
 */
import { setProfileField } from '../../commands/profile.js';
import { MatrixError } from '../../protocol/errors.js';
import { profileOf } from '../../queries/profile.js';
import { defineRoute, unstable, v3, type Route } from '../route.js';
import { commandContext, done, requireSelf, upToDate, type ClientApi } from './api.js';
import type { DeleteProfileField, GetProfileField, GetUserProfile, SetProfileField } from './types.js';

export function profileRoutes(api: ClientApi): Route[] {
  // Clients from before v1.16 know fields other than the two by the proposal's prefix.
  const field = [
    ...v3('/profile/{userId}/{keyName}'),
    ...unstable('uk.tcpip.msc4133', '/profile/{userId}/{keyName}'),
  ];
  return [
    defineRoute<GetUserProfile, 'none'>({
      module: 'profile',
      name: 'getUserProfile',
      method: 'GET',
      paths: v3('/profile/{userId}'),
      auth: 'none',
      handler: async ({ params }) => profileOf(await upToDate(api), params.userId),
    }),
    defineRoute<GetProfileField, 'none'>({
      module: 'profile',
      name: 'getProfileField',
      method: 'GET',
      paths: field,
      auth: 'none',
      handler: async ({ params: { userId, keyName } }) => {
        const fields = await profileOf(await upToDate(api), userId);
        if (!Object.hasOwn(fields, keyName)) {
          // The specification has 404 for every field that is not set. Clients ask for these two of people who have
          // never set them, and take 404 for "no such user", since older servers answer with an empty object.
          if (keyName === 'displayname' || keyName === 'avatar_url') return {};
          throw new MatrixError('M_NOT_FOUND', 'This profile has no such field.');
        }
        return Object.fromEntries([[keyName, fields[keyName]]]);
      },
    }),
    defineRoute<SetProfileField, 'required-or-guest'>({
      module: 'profile',
      name: 'setProfileField',
      method: 'PUT',
      paths: field,
      auth: 'required-or-guest',
      handler: async (request) => {
        const { userId, keyName } = request.params;
        requireSelf(request, userId);
        requireMayChange(request.user, keyName);
        const value = Object.hasOwn(request.body, keyName) ? request.body[keyName] : undefined;
        if (value === undefined) throw new MatrixError('M_MISSING_PARAM', 'The body lacks the field itself.');
        await done(api, setProfileField(api.write, userId, keyName, value, commandContext(api, request)));
        return {};
      },
    }),
    defineRoute<DeleteProfileField, 'required-or-guest'>({
      module: 'profile',
      name: 'deleteProfileField',
      method: 'DELETE',
      paths: field,
      auth: 'required-or-guest',
      handler: async (request) => {
        const { userId, keyName } = request.params;
        requireSelf(request, userId);
        requireMayChange(request.user, keyName);
        await done(api, setProfileField(api.write, userId, keyName, null, commandContext(api, request)));
        return {};
      },
    }),
  ];
}

/** Guests have a display name, and nothing else (Client-Server API, Guest Access). */
function requireMayChange({ kind }: { readonly kind: 'user' | 'guest' }, field: string): void {
  if (kind === 'user' || field === 'displayname') return;
  throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests can change their display name only.');
}
