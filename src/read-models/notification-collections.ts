/** The catalogue's part about what notifies users, and what is unread of it (see collections.ts). */
import { collection } from './collection.js';
import type { Document } from './store.js';

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

/**
 * Up to where something is read: all of a position, or, as events of one commit share it, up to the event of that
 * number in the room.
 */
export type ReadMark = readonly [position: number, ordinal?: number];

/**
 * For which of the room's events its shared list counts for a member: for those whose numbers are higher than the
 * first, and not higher than the second, where there is one.
 */
export type Follow = readonly [after: number, upTo?: number];

/** What is known of each room that a user of ours has joined, beyond what the room's shared list says. */
export type NotificationCount = Document & {
  user_id: string;
  room_id: string;
  /** When the user joined, or has last read something. */
  position: number;
  /** Oldest first; the last one has no end while the settings are the predefined ones. */
  follows: readonly Follow[];
  /** Up to where all threads are read. */
  read?: ReadMark;
  /** Up to where threads are read, by root or `main`, where that is farther. */
  read_threads?: Readonly<Record<string, ReadMark>>;
  /**
   * The list of their own: events of which the shared list does not say how they notify this user. Those of the newest
   * block, oldest first; `notified_pages` has the others.
   */
  recent: readonly NotifiedEvent[];
  /** The current member event, and the user's name in it. */
  member_event: string;
  displayname?: string;
  /** Names the settings by which the user's events are judged (`notification_users`); '' for the predefined. */
  settings: string;
  /** The settings were others than the predefined at some time since the user joined. */
  had_settings?: true;
};

export const notificationCounts = collection<NotificationCount>({
  name: 'notification_counts',
  projection: 'notification-counts',
  key: (d) => [d.user_id, d.room_id],
  indexes: {
    changed: (d) => [d.user_id, d.position, d.room_id],
    /** Those who have settings of their own: for them each event is judged by itself. */
    judged: (d) => (d.settings === '' ? undefined : [d.room_id, d.user_id]),
    /** Those who have a list of their own with events in it. */
    listed: (d) => (d.recent.length === 0 ? undefined : [d.room_id, d.user_id]),
  },
  fields: {
    key: ['user_id', 'room_id'],
    indexes: {
      changed: ['user_id', 'position', 'room_id'],
      judged: ['room_id', 'user_id'],
      listed: ['room_id', 'user_id'],
    },
  },
});

/** A block's events that notify a user, oldest first: those whose numbers in the room begin alike. */
export type NotifiedPage = Document & {
  user_id: string;
  room_id: string;
  block: number;
  events: readonly NotifiedEvent[];
};

export const notifiedPages = collection<NotifiedPage>({
  name: 'notified_pages',
  projection: 'notification-counts',
  key: (d) => [d.user_id, d.room_id, d.block],
  indexes: {},
  fields: { key: ['user_id', 'room_id', 'block'], indexes: {} },
});

/** The same of a room's shared list: of the events that notify everybody with the predefined settings. */
export type NotifiedRoomPage = Document & {
  room_id: string;
  block: number;
  events: readonly NotifiedEvent[];
};

export const notifiedRoomPages = collection<NotifiedRoomPage>({
  name: 'notified_room_pages',
  projection: 'notification-counts',
  key: (d) => [d.room_id, d.block],
  indexes: {},
  fields: { key: ['room_id', 'block'], indexes: {} },
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
  position: number;
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
  state_key: string;
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

/** What push rules ask of a room, and its shared list. */
export type NotificationRoom = Document & {
  room_id: string;
  version: string;
  /** How many events were accepted. */
  events: number;
  /** Joined members, those of other servers too. */
  joined: number;
  create?: string;
  power_levels?: string;
  /** The only one who has sent anything but changes of membership; '' where there were several. */
  speaker?: string;
  /** The shared list's newest block, oldest first; `notified_room_pages` has the others. */
  recent: readonly NotifiedEvent[];
  /** When its pages became what they are; absent where it never had any. */
  paged?: number;
  /** When an event was last taken from a list, the shared one or somebody's own. */
  removed: number;
  /** When content of the room was last forgotten: counts may have changed, and nothing else has. */
  forgotten?: number;
};

export const notificationRooms = collection<NotificationRoom>({
  name: 'notification_rooms',
  projection: 'notification-counts',
  key: (d) => [d.room_id],
  indexes: { forgotten: (d) => (d.forgotten === undefined ? undefined : [d.forgotten, d.room_id]) },
  fields: { key: ['room_id'], indexes: { forgotten: ['forgotten', 'room_id'] } },
});
