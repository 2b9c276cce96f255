/**
 * The catalogue: every collection of every read model, its key and its indexes. Documents are written by the
 * projection named here, and by nothing else. Positions are positions in the log.
 */
import { collection } from './collection.js';
import type { Document, Key } from './store.js';

export * from './notification-collections.js';
export * from './room-collections.js';

/* ------------------------------------------------------------------ accounts */

export type Account = Document & {
  user_id: string;
  kind: 'user' | 'guest';
  admin: boolean;
  deactivated: boolean;
  registered_at: number;
  position: number;
};

export const accounts = collection<Account>({
  name: 'accounts',
  projection: 'accounts',
  key: (d) => [d.user_id],
  indexes: {},
  fields: { key: ['user_id'], indexes: {} },
});

export type Device = Document & {
  user_id: string;
  device_id: string;
  display_name?: string;
  access_token_hash: string;
  access_token_expires_at?: number;
  refresh_token_hash?: string;
  position: number;
};

export const devices = collection<Device>({
  name: 'devices',
  projection: 'accounts',
  key: (d) => [d.user_id, d.device_id],
  indexes: {},
  fields: { key: ['user_id', 'device_id'], indexes: {} },
});

/** Access tokens by their hash. */
export type AccessToken = Document & {
  token_hash: string;
  user_id: string;
  device_id: string;
  kind: 'user' | 'guest';
  expires_at?: number;
  position: number;
};

export const accessTokens = collection<AccessToken>({
  name: 'access_tokens',
  projection: 'accounts',
  key: (d) => [d.token_hash],
  indexes: { device: (d) => [d.user_id, d.device_id, d.token_hash] },
  fields: { key: ['token_hash'], indexes: { device: ['user_id', 'device_id', 'token_hash'] } },
});

/** Refresh tokens by their hash, used ones too, so that the account of one that is handed in is known. */
export type RefreshToken = Document & {
  token_hash: string;
  user_id: string;
  device_id: string;
  position: number;
};

export const refreshTokens = collection<RefreshToken>({
  name: 'refresh_tokens',
  projection: 'accounts',
  key: (d) => [d.token_hash],
  // Oldest first: those that were used come before the one that counts.
  indexes: { device: (d) => [d.user_id, d.device_id, d.position] },
  fields: { key: ['token_hash'], indexes: { device: ['user_id', 'device_id', 'position'] } },
});

export type Profile = Document & {
  user_id: string;
  fields: Readonly<Record<string, unknown>>;
  position: number;
};

export const profiles = collection<Profile>({
  name: 'profiles',
  projection: 'profiles',
  key: (d) => [d.user_id],
  indexes: {},
  fields: { key: ['user_id'], indexes: {} },
});

export type AccountData = Document & {
  user_id: string;
  /** '' for the account itself. */
  room_id: string;
  type: string;
  /** JSON text of the content. */
  content: string;
  /** Of m.fully_read: where the event is, if that is known. */
  event_position?: number;
  position: number;
};

export const accountData = collection<AccountData>({
  name: 'account_data',
  projection: 'account-data',
  key: (d) => [d.user_id, d.room_id, d.type],
  indexes: { changed: (d) => [d.user_id, d.position] },
  fields: { key: ['user_id', 'room_id', 'type'], indexes: { changed: ['user_id', 'position'] } },
});

export type StoredFilter = Document & {
  user_id: string;
  filter_id: string;
  filter: unknown;
  position: number;
};

export const filters = collection<StoredFilter>({
  name: 'filters',
  projection: 'filters',
  key: (d) => [d.user_id, d.filter_id],
  indexes: {},
  fields: { key: ['user_id', 'filter_id'], indexes: {} },
});

export type Receipt = Document & {
  room_id: string;
  receipt_type: string;
  user_id: string;
  /** '' for an unthreaded receipt. */
  thread_id: string;
  event_id: string;
  event_position: number | null;
  ts: number;
  position: number;
};

export const receipts = collection<Receipt>({
  name: 'receipts',
  projection: 'receipts',
  key: (d) => [d.room_id, d.receipt_type, d.user_id, d.thread_id],
  indexes: { changed: (d) => [d.room_id, d.position] },
  fields: {
    key: ['room_id', 'receipt_type', 'user_id', 'thread_id'],
    indexes: { changed: ['room_id', 'position'] },
  },
});

/** A message that was sent to a device, until the device has acknowledged it. */
export type ToDeviceMessage = Document & {
  user_id: string;
  device_id: string;
  position: number;
  /** As in the timeline. */
  index: number;
  /** Of the record in the user's stream: what is acknowledged is named by it. */
  revision: number;
  /** The message as the device gets it, as JSON text. */
  json: string;
};

export const toDeviceMessages = collection<ToDeviceMessage>({
  name: 'to_device_messages',
  projection: 'to-device',
  key: (d) => [d.user_id, d.device_id, d.position, d.index],
  indexes: {},
  fields: { key: ['user_id', 'device_id', 'position', 'index'], indexes: {} },
});

/** A room that a device looks into, though its user is not in it. */
export type Peek = Document & {
  user_id: string;
  device_id: string;
  room_id: string;
  /** When it began. */
  position: number;
};

export const peeks = collection<Peek>({
  name: 'peeks',
  projection: 'peeks',
  key: (d) => [d.user_id, d.device_id, d.room_id],
  indexes: {},
  fields: { key: ['user_id', 'device_id', 'room_id'], indexes: {} },
});

/** Where a user is to be told of events. */
export type Pusher = Document & {
  user_id: string;
  app_id: string;
  pushkey: string;
  /** The device that set it up. */
  device_id: string;
  /** What else was said of it, as JSON text of an object. */
  json: string;
  position: number;
};

export const pushers = collection<Pusher>({
  name: 'pushers',
  projection: 'pushers',
  key: (d) => [d.user_id, d.app_id, d.pushkey],
  indexes: { address: (d) => [d.app_id, d.pushkey, d.user_id] },
  fields: { key: ['user_id', 'app_id', 'pushkey'], indexes: { address: ['app_id', 'pushkey', 'user_id'] } },
});

export type { Key };
