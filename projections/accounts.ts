import type { LoggedRecord } from '../src/log/log.js';
import type { DeviceSignedInV1, DeviceTokensRefreshedV1 } from '../src/log/records.js';
import {
  accessTokens,
  accounts,
  devices,
  refreshTokens,
  type Device,
} from '../src/read-models/collections.js';
import type { Documents, Projection } from './projection.js';
import { userOfStream } from './streams.js';

/** As many as the write side remembers of a device: beyond these, a used token is only an unknown one. */
const MOST_USED_REFRESH_TOKENS = 20;

/**
 * Accounts, their devices and tokens (Client-Server API, Account registration; Login; Refreshing access tokens;
 * Device management). A device has one access token at a time. Of its refresh tokens those that were traded in
 * stay findable, so that the command is asked when one turns up again, and signs the device out.
 *
 * Cost: a few documents per record; ending a device's session reads and deletes at most 21 of its refresh tokens.
 */
export const accountsProjection: Projection = {
  name: 'accounts',
  version: 1,
  collections: [accounts, devices, accessTokens, refreshTokens],
  handles: [
    'user.registered',
    'user.upgraded',
    'user.deactivated',
    'device.signed_in',
    'device.tokens.refreshed',
    'device.renamed',
    'device.deleted',
  ],
  evolve,
};

async function evolve(record: LoggedRecord, documents: Documents): Promise<void> {
  const { position } = record;
  switch (record.type) {
    case 'user.registered': {
      const { user_id, kind, admin } = record.data;
      const registered_at = record.metadata.received_at;
      documents.put(accounts, { user_id, kind, admin, deactivated: false, registered_at, position });
      return;
    }
    case 'user.upgraded': {
      // The guest's devices end with the same command, so no token is left to say otherwise.
      const account = await documents.get(accounts, [userOfStream(record.stream)]);
      if (account !== undefined) documents.put(accounts, { ...account, kind: 'user', position });
      return;
    }
    case 'user.deactivated':
      return deactivate(userOfStream(record.stream), position, documents);
    case 'device.signed_in':
      return signIn(userOfStream(record.stream), record.data, position, documents);
    case 'device.tokens.refreshed':
      return refresh(userOfStream(record.stream), record.data, position, documents);
    case 'device.renamed': {
      const { device_id, display_name } = record.data;
      const known = await documents.get(devices, [userOfStream(record.stream), device_id]);
      if (known === undefined) return;
      const { display_name: _before, ...device } = known;
      documents.put(devices, { ...device, ...named(display_name), position });
      return;
    }
    case 'device.deleted':
      for (const id of record.data.device_ids) await signOut(userOfStream(record.stream), id, documents);
      return;
    default:
      return;
  }
}

async function deactivate(user: string, position: number, documents: Documents): Promise<void> {
  const account = await documents.get(accounts, [user]);
  if (account !== undefined) documents.put(accounts, { ...account, deactivated: true, position });
  const all = await documents.find(devices, { prefix: [user] });
  for (const { device_id } of all) await signOut(user, device_id, documents);
}

/** A known device that signs in again keeps its name where it brings none. */
async function signIn(
  user: string,
  data: DeviceSignedInV1,
  position: number,
  documents: Documents,
): Promise<void> {
  const known = await documents.get(devices, [user, data.device_id]);
  if (known !== undefined) await signOut(user, data.device_id, documents);
  await putDevice(user, data, data.display_name ?? known?.display_name, position, documents);
}

/** The access token before is void; the refresh token that was handed in stays as a used one. */
async function refresh(
  user: string,
  data: DeviceTokensRefreshedV1,
  position: number,
  documents: Documents,
): Promise<void> {
  const known = await documents.get(devices, [user, data.device_id]);
  if (known === undefined) return;
  documents.delete(accessTokens, [known.access_token_hash]);
  const used = await documents.find(refreshTokens, { prefix: [user, data.device_id] }, 'device');
  for (const { token_hash } of used.slice(0, -MOST_USED_REFRESH_TOKENS)) {
    documents.delete(refreshTokens, [token_hash]);
  }
  await putDevice(user, data, known.display_name, position, documents);
}

async function putDevice(
  user: string,
  data: DeviceSignedInV1 | DeviceTokensRefreshedV1,
  name: string | undefined,
  position: number,
  documents: Documents,
): Promise<void> {
  const { device_id, access_token_hash, access_token_expires_at: expires_at, refresh_token_hash } = data;
  const device: Device = {
    user_id: user,
    device_id,
    ...named(name),
    access_token_hash,
    ...(expires_at === undefined ? {} : { access_token_expires_at: expires_at }),
    ...(refresh_token_hash === undefined ? {} : { refresh_token_hash }),
    position,
  };
  documents.put(devices, device);
  const account = await documents.get(accounts, [user]);
  documents.put(accessTokens, {
    token_hash: access_token_hash,
    user_id: user,
    device_id,
    kind: account?.kind ?? 'user',
    ...(expires_at === undefined ? {} : { expires_at }),
    position,
  });
  if (refresh_token_hash === undefined) return;
  documents.put(refreshTokens, { token_hash: refresh_token_hash, user_id: user, device_id, position });
}

async function signOut(user: string, deviceId: string, documents: Documents): Promise<void> {
  const device = await documents.get(devices, [user, deviceId]);
  if (device === undefined) return;
  documents.delete(devices, [user, deviceId]);
  documents.delete(accessTokens, [device.access_token_hash]);
  const tokens = await documents.find(refreshTokens, { prefix: [user, deviceId] }, 'device');
  for (const { token_hash } of tokens) documents.delete(refreshTokens, [token_hash]);
}

function named(name: string | null | undefined): { display_name: string } | undefined {
  return name === undefined || name === null ? undefined : { display_name: name };
}
