import { MatrixError } from '../protocol/errors.js';
import { serverName } from '../protocol/identifiers.js';
import { accounts, profiles } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';

/**
 * A user's profile fields by name (Client-Server API, Profiles).
 *
 * @throws MatrixError M_NOT_FOUND for who has no account here, or none any more
 */
export async function profileOf(side: ReadSide, userId: string): Promise<Readonly<Record<string, unknown>>> {
  const account =
    serverName(userId) === side.serverName ? await side.store.collection(accounts).get([userId]) : undefined;
  if (account === undefined || account.deactivated) {
    throw new MatrixError('M_NOT_FOUND', 'There is no such user.');
  }
  const profile = await side.store.collection(profiles).get([userId]);
  return profile?.fields ?? {};
}
