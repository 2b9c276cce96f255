/**
 * The catalogue: every collection of every read model, its key and its indexes. Documents are written by the
 * projection named here, and by nothing else. Positions are positions in the log.
 */
import { collection } from './collection.js';
import type { Document, Key } from './store.js';

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

/**
 * An event that notifies a user: its position, its number in the room (`notification_events`), its marks
 * (notified-events.ts), its thread's root where it is in one ('' where only actions follow), and the actions as JSON
 * text where the marks do not say them.
 */
export type NotifiedEvent = readonly [
  position: number,
  ordinal: number,
  marks: number,
  thread?: string,
  actions?: string,
];

export interface UnreadCounts {
  readonly notifications: number;
  /** Those of them that are highlighted. */
  readonly highlights: number;
}

/**
 * What is unread of each room that a user of ours has joined, by the user's push rules. There is one of each, zeros
 * too.
 */
export type NotificationCount = Document &
  UnreadCounts & {
    user_id: string;
    room_id: string;
    /** By thread root, those threads that have any; they are part of the counts above, which are the room's. */
    threads?: Readonly<Record<string, UnreadCounts>>;
    /** When the counts became what they are. */
    position: number;
    /** Of the events that notify the user, read ones too, those of the newest block, oldest first; `notified_pages` has the others. */
    recent: readonly NotifiedEvent[];
    /** The current member event, and the user's name in it. */
    member_event: string;
    displayname?: string;
    /** Names the settings by which the user's events are judged (`notification_users`); '' for the predefined. */
    settings: string;
  };

export const notificationCounts = collection<NotificationCount>({
  name: 'notification_counts',
  projection: 'notification-counts',
  key: (d) => [d.user_id, d.room_id],
  indexes: {
    changed: (d) => [d.user_id, d.position, d.room_id],
    room: (d) => [d.room_id, d.user_id],
  },
  fields: {
    key: ['user_id', 'room_id'],
    indexes: { changed: ['user_id', 'position', 'room_id'], room: ['room_id', 'user_id'] },
  },
});

/** A block's events that notify a user, oldest first: those whose numbers in the room begin alike. */
export type NotifiedPage = Document & {
  user_id: string;
  room_id: string;
  block: number;
  /** Of the last event. */
  position: number;
  /** The block, where an event of it is unread. */
  unread_block?: number;
  events: readonly NotifiedEvent[];
};

export const notifiedPages = collection<NotifiedPage>({
  name: 'notified_pages',
  projection: 'notification-counts',
  key: (d) => [d.user_id, d.room_id, d.block],
  indexes: {
    newest: (d) => [d.user_id, d.position, d.room_id, d.block],
    unread: (d) => (d.unread_block === undefined ? undefined : [d.user_id, d.room_id, d.unread_block]),
  },
  fields: {
    key: ['user_id', 'room_id', 'block'],
    indexes: {
      newest: ['user_id', 'position', 'room_id', 'block'],
      unread: ['user_id', 'room_id', 'unread_block'],
    },
  },
});

/** An invitation that notifies its user, and was not answered yet. */
export type NotifiedInvitation = Document & {
  user_id: string;
  room_id: string;
  event_id: string;
  position: number;
  event: NotifiedEvent;
};

export const notifiedInvitations = collection<NotifiedInvitation>({
  name: 'notified_invitations',
  projection: 'notification-counts',
  key: (d) => [d.user_id, d.room_id],
  indexes: { newest: (d) => [d.user_id, d.position, d.room_id], room: (d) => [d.room_id, d.user_id] },
  fields: {
    key: ['user_id', 'room_id'],
    indexes: { newest: ['user_id', 'position', 'room_id'], room: ['room_id', 'user_id'] },
  },
});

/** Every accepted event, as far as unread counts depend on it. */
export type NotificationEvent = Document & {
  room_id: string;
  event_id: string;
  /** Its number in the room: the first event has 1. */
  ordinal: number;
  /** Who reads by sending it what is before it; absent for changes of membership. */
  reader?: string;
  /** The thread's root, where it is in one. */
  thread_id?: string;
  /** The event that it relates to by something else than a thread: whose thread it is in. */
  related_to?: string;
};

export const notificationEvents = collection<NotificationEvent>({
  name: 'notification_events',
  projection: 'notification-counts',
  key: (d) => [d.room_id, d.event_id],
  indexes: { related: (d) => (d.related_to === undefined ? undefined : [d.room_id, d.related_to]) },
  fields: { key: ['room_id', 'event_id'], indexes: { related: ['room_id', 'related_to'] } },
});

/** By what a user of ours wants events to be judged. */
export type NotificationUser = Document & {
  user_id: string;
  /** JSON text of the push rules as they are recorded; '' for none. */
  push_rules: string;
  ignored: readonly string[];
};

export const notificationUsers = collection<NotificationUser>({
  name: 'notification_users',
  projection: 'notification-counts',
  key: (d) => [d.user_id],
  indexes: {},
  fields: { key: ['user_id'], indexes: {} },
});

/** State events that push rules depend on, by ID: m.room.member, m.room.power_levels, m.room.create. */
export type NotificationStateEvent = Document & {
  room_id: string;
  event_id: string;
  type: string;
  sender: string;
  /** Of its content, what is used. */
  content: Readonly<Record<string, unknown>>;
};

export const notificationStateEvents = collection<NotificationStateEvent>({
  name: 'notification_state_events',
  projection: 'notification-counts',
  key: (d) => [d.room_id, d.event_id],
  indexes: {},
  fields: { key: ['room_id', 'event_id'], indexes: {} },
});

/** What push rules ask of a room. */
export type NotificationRoom = Document & {
  room_id: string;
  version: string;
  /** How many events were accepted. */
  events: number;
  /** Joined members, those of other servers too. */
  joined: number;
  create?: string;
  power_levels?: string;
};

export const notificationRooms = collection<NotificationRoom>({
  name: 'notification_rooms',
  projection: 'notification-counts',
  key: (d) => [d.room_id],
  indexes: {},
  fields: { key: ['room_id'], indexes: {} },
});

export type { Key };
