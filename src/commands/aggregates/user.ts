import type { RecordBody } from '../../log/records.js';
import { PersistentMap } from './persistent-map.js';

/** The name of an account's stream. */
export function userStream(userId: string): string {
  return `user-${userId}`;
}

/** What the write side remembers of a device: tokens only as hashes. */
export interface DeviceState {
  readonly displayName: string | undefined;
  readonly accessTokenHash: string;
  /** Milliseconds since the epoch; undefined for never. */
  readonly accessTokenExpiresAt: number | undefined;
  /** Whether a request was made with it; only known where a refresh token was traded for it. */
  readonly isAccessTokenUsed: boolean;
  readonly refreshTokenHash: string | undefined;
  /** Refresh tokens that were traded in, newest last: using one again means that somebody else has it. */
  readonly usedRefreshTokens: readonly string[];
}

/** What the write side remembers of an account data event. */
export interface AccountDatum {
  /** As it counts for the account's limit. */
  readonly bytes: number;
  /** Of what commands edit in place: push rules and tags. */
  readonly content?: Readonly<Record<string, unknown>>;
}

export interface ActiveUser {
  readonly kind: 'active';
  readonly userId: string;
  readonly account: 'user' | 'guest';
  readonly admin: boolean;
  readonly passwordHash: string | undefined;
  readonly devices: PersistentMap<string, DeviceState>;
  /** By field name: displayname, avatar_url and others. */
  readonly profile: Readonly<Record<string, unknown>>;
  /** By `accountDataKey`. */
  readonly accountData: PersistentMap<string, AccountDatum>;
  /** Of all account data together. */
  readonly accountDataBytes: number;
  readonly filterIds: ReadonlySet<string>;
  /** The devices that set pushers up, by `pusherKey`. */
  readonly pushers: ReadonlyMap<string, string>;
  /** Rooms that devices look into, by device. */
  readonly peeks: ReadonlyMap<string, ReadonlySet<string>>;
}

/** An account: not there, in use, or closed for good (its name stays taken). */
export type User = { readonly kind: 'absent' } | ActiveUser | { readonly kind: 'deactivated' };

export const ABSENT_USER: User = { kind: 'absent' };

const EDITED = new Set(['m.push_rules', 'm.direct', 'm.tag']);
const MOST_USED_REFRESH_TOKENS = 20;

export function accountDataKey(roomId: string | null, type: string): string {
  return `${roomId ?? ''}\n${type}`;
}

/** Names a pusher among those of an account. */
export function pusherKey(appId: string, pushkey: string): string {
  return JSON.stringify([appId, pushkey]);
}

/** What every account data event costs beside its content, in bytes. */
const DATUM_OVERHEAD = 64;

/** How much an account data event counts for the account's limit, in bytes. */
export function accountDataSize(key: string, content: Readonly<Record<string, unknown>>): number {
  return Buffer.byteLength(key) + Buffer.byteLength(JSON.stringify(content)) + DATUM_OVERHEAD;
}

/** The account after one more record of its stream. */
export function evolveUser(user: User, record: RecordBody): User {
  if (record.type === 'user.registered') {
    const { user_id, kind, admin, password_hash } = record.data;
    return {
      kind: 'active',
      userId: user_id,
      account: kind,
      admin,
      passwordHash: password_hash,
      devices: PersistentMap.empty(),
      profile: {},
      accountData: PersistentMap.empty(),
      accountDataBytes: 0,
      filterIds: new Set(),
      pushers: new Map(),
      peeks: new Map(),
    };
  }
  return user.kind === 'active' ? evolveActive(user, record) : user;
}

function evolveActive(user: ActiveUser, record: RecordBody): User {
  switch (record.type) {
    case 'user.upgraded':
      return { ...user, account: 'user', passwordHash: record.data.password_hash };
    case 'user.password.changed':
      return { ...user, passwordHash: record.data.password_hash };
    case 'user.deactivated':
      return { kind: 'deactivated' };
    case 'device.signed_in':
    case 'device.tokens.refreshed':
    case 'device.tokens.used':
    case 'device.renamed':
    case 'device.deleted':
      return {
        ...user,
        devices: evolveDevices(user.devices, record),
        peeks: record.type === 'device.deleted' ? evolvePeeks(user.peeks, record) : user.peeks,
        pushers: record.type === 'device.deleted' ? evolvePushers(user.pushers, record) : user.pushers,
      };
    case 'pusher.set':
    case 'pusher.deleted':
      return { ...user, pushers: evolvePushers(user.pushers, record) };
    case 'room.peeked':
    case 'room.unpeeked':
      return { ...user, peeks: evolvePeeks(user.peeks, record) };
    case 'profile.changed':
      return { ...user, profile: withFields(user.profile, record.data.fields ?? {}) };
    case 'account_data.changed': {
      const { room_id, type, content = {} } = record.data;
      const key = accountDataKey(room_id, type);
      const bytes = accountDataSize(key, content);
      const datum: AccountDatum = { bytes, ...(EDITED.has(type) ? { content } : {}) };
      const accountDataBytes = user.accountDataBytes - (user.accountData.get(key)?.bytes ?? 0) + bytes;
      return { ...user, accountData: user.accountData.with(key, datum), accountDataBytes };
    }
    case 'filter.created':
      return { ...user, filterIds: new Set(user.filterIds).add(record.data.filter_id) };
    default:
      return user;
  }
}

function evolvePeeks(
  peeks: ActiveUser['peeks'],
  record: Extract<RecordBody, { type: 'room.peeked' | 'room.unpeeked' | 'device.deleted' }>,
): ActiveUser['peeks'] {
  const next = new Map(peeks);
  if (record.type === 'room.peeked') {
    const { device_id: id, room_id: roomId } = record.data;
    return next.set(id, new Set(peeks.get(id)).add(roomId));
  }
  for (const id of record.data.device_ids) {
    const rooms = new Set(peeks.get(id));
    if (record.type === 'room.unpeeked') rooms.delete(record.data.room_id);
    if (record.type === 'device.deleted' || rooms.size === 0) next.delete(id);
    else next.set(id, rooms);
  }
  return next;
}

function evolvePushers(
  pushers: ActiveUser['pushers'],
  record: Extract<RecordBody, { type: 'pusher.set' | 'pusher.deleted' | 'device.deleted' }>,
): ActiveUser['pushers'] {
  if (record.type === 'device.deleted') {
    const gone = new Set(record.data.device_ids);
    return new Map([...pushers].filter(([, deviceId]) => !gone.has(deviceId)));
  }
  const next = new Map(pushers);
  const key = pusherKey(record.data.app_id, record.data.pushkey);
  if (record.type === 'pusher.deleted') next.delete(key);
  else next.set(key, record.data.device_id);
  return next;
}

type DeviceRecord = Extract<RecordBody, { type: `device.${string}` }>;

function evolveDevices(
  devices: PersistentMap<string, DeviceState>,
  record: DeviceRecord,
): PersistentMap<string, DeviceState> {
  if (record.type === 'device.deleted') {
    return record.data.device_ids.reduce((left, id) => left.without(id), devices);
  }
  const id = record.data.device_id;
  const known = devices.get(id);
  if (record.type === 'device.signed_in') {
    return devices.with(id, {
      displayName: record.data.display_name ?? known?.displayName,
      accessTokenHash: record.data.access_token_hash,
      accessTokenExpiresAt: record.data.access_token_expires_at,
      isAccessTokenUsed: false,
      refreshTokenHash: record.data.refresh_token_hash,
      usedRefreshTokens: [],
    });
  }
  if (known === undefined) return devices;
  if (record.type === 'device.tokens.refreshed') {
    return devices.with(id, {
      ...known,
      accessTokenHash: record.data.access_token_hash,
      accessTokenExpiresAt: record.data.access_token_expires_at,
      isAccessTokenUsed: false,
      refreshTokenHash: record.data.refresh_token_hash,
      usedRefreshTokens: [...known.usedRefreshTokens, record.data.used_refresh_token_hash].slice(
        -MOST_USED_REFRESH_TOKENS,
      ),
    });
  }
  if (record.type === 'device.tokens.used') {
    const isCurrent = known.accessTokenHash === record.data.access_token_hash;
    return isCurrent ? devices.with(id, { ...known, isAccessTokenUsed: true }) : devices;
  }
  return devices.with(id, { ...known, displayName: record.data.display_name ?? undefined });
}

/** Fields laid over others; `null` removes one. Field names are a client's: kept as data, never as a prototype. */
export function withFields(
  fields: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const entries = new Map(Object.entries(fields));
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) entries.delete(name);
    else entries.set(name, value);
  }
  return Object.fromEntries(entries);
}
