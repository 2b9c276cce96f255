import type { RecordBody } from '../../log/records.js';

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
  readonly refreshTokenHash: string | undefined;
  /** Refresh tokens that were traded in, newest last: using one again means that somebody else has it. */
  readonly usedRefreshTokens: readonly string[];
}

export interface ActiveUser {
  readonly kind: 'active';
  readonly userId: string;
  readonly account: 'user' | 'guest';
  readonly admin: boolean;
  readonly passwordHash: string | undefined;
  readonly devices: ReadonlyMap<string, DeviceState>;
  /** By field name: displayname, avatar_url and others. */
  readonly profile: Readonly<Record<string, unknown>>;
  /** Account data that commands edit in place: push rules and direct chats (room '') and tags, by `accountDataKey`. */
  readonly accountData: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Filter IDs by the text of the filter. */
  readonly filters: ReadonlyMap<string, string>;
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
      devices: new Map(),
      profile: {},
      accountData: new Map(),
      filters: new Map(),
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
    case 'device.renamed':
    case 'device.deleted':
      return {
        ...user,
        devices: evolveDevices(user.devices, record),
        peeks: record.type === 'device.deleted' ? evolvePeeks(user.peeks, record) : user.peeks,
      };
    case 'room.peeked':
    case 'room.unpeeked':
      return { ...user, peeks: evolvePeeks(user.peeks, record) };
    case 'profile.changed':
      return { ...user, profile: withFields(user.profile, record.data.fields ?? {}) };
    case 'account_data.changed': {
      const { room_id, type, content } = record.data;
      if (!EDITED.has(type) || content === undefined) return user;
      return { ...user, accountData: new Map(user.accountData).set(accountDataKey(room_id, type), content) };
    }
    case 'filter.created':
      return {
        ...user,
        filters: new Map(user.filters).set(JSON.stringify(record.data.filter), record.data.filter_id),
      };
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

type DeviceRecord = Extract<RecordBody, { type: `device.${string}` }>;

function evolveDevices(
  devices: ReadonlyMap<string, DeviceState>,
  record: DeviceRecord,
): Map<string, DeviceState> {
  const next = new Map(devices);
  if (record.type === 'device.deleted') {
    for (const id of record.data.device_ids) next.delete(id);
    return next;
  }
  const id = record.data.device_id;
  const known = devices.get(id);
  if (record.type === 'device.signed_in') {
    next.set(id, {
      displayName: record.data.display_name ?? known?.displayName,
      accessTokenHash: record.data.access_token_hash,
      accessTokenExpiresAt: record.data.access_token_expires_at,
      refreshTokenHash: record.data.refresh_token_hash,
      usedRefreshTokens: [],
    });
  } else if (known !== undefined && record.type === 'device.tokens.refreshed') {
    next.set(id, {
      ...known,
      accessTokenHash: record.data.access_token_hash,
      accessTokenExpiresAt: record.data.access_token_expires_at,
      refreshTokenHash: record.data.refresh_token_hash,
      usedRefreshTokens: [...known.usedRefreshTokens, record.data.used_refresh_token_hash].slice(
        -MOST_USED_REFRESH_TOKENS,
      ),
    });
  } else if (known !== undefined && record.type === 'device.renamed') {
    next.set(id, { ...known, displayName: record.data.display_name ?? undefined });
  }
  return next;
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
