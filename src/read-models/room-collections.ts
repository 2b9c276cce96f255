/** The catalogue's part about rooms; collections.ts has the rest, and gives all of it. */
import { collection } from './collection.js';
import type { Document } from './store.js';

/** An event as clients see it, at its place in the room's timeline. */
export type TimelineEvent = Document & {
  room_id: string;
  position: number;
  /** The event's place among those that one commit brought in: they share the position. Nearly always 0. */
  index: number;
  event_id: string;
  type: string;
  sender: string;
  /** Absent: not a state event. */
  state_key?: string;
  origin_server_ts: number;
  depth: number;
  /**
   * The event in client format, as JSON text without `unsigned`: {content, event_id, origin_server_ts, room_id,
   * sender, type, state_key?, redacts?}. Made once, spliced into every answer. The redacted form once redacted.
   */
  json: string;
  /** Members of `unsigned` that are the same for all readers: replaces_state, prev_content, prev_sender, redacted_because, as JSON text of an object. */
  unsigned?: string;
  /** The state event that it took the place of: where that is redacted, `prev_content` must follow. */
  replaces_state?: string;
  /** Who sent it by which device under which transaction ID: shown to that device alone. */
  transaction?: { user_id: string; device_id: string; transaction_id: string };
  /** Roots of the room's state before and after the event, in the graph. */
  state_before: string;
  state_after: string;
  /** The room's current state from here on. */
  current_root: string;
  redacted_by?: string;
  relates_to?: { event_id: string; rel_type: string };
  /** For membership events. */
  membership?: string;
  contains_url?: boolean;
};

export const timeline = collection<TimelineEvent>({
  name: 'timeline',
  projection: 'timelines',
  key: (d) => [d.room_id, d.position, d.index],
  indexes: {
    // With the room: up to room version 2 an event's ID is whatever its sender says, so two rooms may share one.
    event: (d) => [d.event_id, d.room_id],
    replaces: (d) => (d.replaces_state === undefined ? undefined : [d.replaces_state, d.room_id]),
    relation: (d) =>
      d.relates_to === undefined
        ? undefined
        : [d.room_id, d.relates_to.event_id, d.relates_to.rel_type, d.position],
    // By sender: edits count by whose they are, and threads by who takes part.
    relation_sender: (d) =>
      d.relates_to === undefined
        ? undefined
        : [d.room_id, d.relates_to.event_id, d.relates_to.rel_type, d.sender, d.position],
    timestamp: (d) => [d.room_id, d.origin_server_ts, d.position],
  },
  fields: {
    key: ['room_id', 'position', 'index'],
    indexes: {
      event: ['event_id', 'room_id'],
      replaces: ['replaces_state', 'room_id'],
      relation: ['room_id', 'relates_to.event_id', 'relates_to.rel_type', 'position'],
      relation_sender: ['room_id', 'relates_to.event_id', 'relates_to.rel_type', 'sender', 'position'],
      timestamp: ['room_id', 'origin_server_ts', 'position'],
    },
  },
});

/** A thread of a room. */
export type Thread = Document & {
  room_id: string;
  /** The event that it begins at. */
  root: string;
  /** Of its newest event. */
  position: number;
};

export const threads = collection<Thread>({
  name: 'threads',
  projection: 'timelines',
  key: (d) => [d.room_id, d.root],
  indexes: { newest: (d) => [d.room_id, d.position] },
  fields: { key: ['room_id', 'root'], indexes: { newest: ['room_id', 'position'] } },
});

/** The current state of a room, entry by entry. */
export type RoomStateEntry = Document & {
  room_id: string;
  type: string;
  state_key: string;
  event_id: string;
  sender: string;
  /** When it became current. */
  position: number;
  /** Client format without `unsigned`, as in the timeline. */
  json: string;
};

export const roomState = collection<RoomStateEntry>({
  name: 'room_state',
  projection: 'room-state',
  key: (d) => [d.room_id, d.type, d.state_key],
  indexes: {},
  fields: { key: ['room_id', 'type', 'state_key'], indexes: {} },
});

/**
 * Every event that a state of the room may hold, by ID: what a walk of a state trie needs to be shown. Soft-failed
 * ones and outliers are among them, which clients may see as part of a state only.
 */
export type StateEvent = Document & {
  room_id: string;
  event_id: string;
  type: string;
  state_key: string;
  sender: string;
  position: number;
  json: string;
  /** What an m.room.member sets. */
  membership?: string;
  /** What an m.room.history_visibility sets. */
  visibility?: string;
};

export const stateEvents = collection<StateEvent>({
  name: 'state_events',
  projection: 'room-state',
  key: (d) => [d.room_id, d.event_id],
  indexes: {},
  fields: { key: ['room_id', 'event_id'], indexes: {} },
});

/** The root of a room's current state from a position on: the state "as it was at any moment". */
export type StateRoot = Document & { room_id: string; position: number; root: string };

export const stateRoots = collection<StateRoot>({
  name: 'state_roots',
  projection: 'room-state',
  key: (d) => [d.room_id, d.position],
  indexes: {},
  fields: { key: ['room_id', 'position'], indexes: {} },
});

/** A user's present membership of a room. */
export type Membership = Document & {
  user_id: string;
  room_id: string;
  membership: 'join' | 'invite' | 'knock' | 'leave' | 'ban';
  event_id: string;
  sender: string;
  /** When the membership became what it is (a changed display name does not move it). */
  position: number;
  /** The newest member event, changes of profile included. */
  event_position: number;
  displayname?: string;
  avatar_url?: string;
  /** For invites and knocks: the stripped state as of then, as JSON text of an array. */
  stripped_state?: string;
  /** Whether the user has forgotten the room. */
  forgotten: boolean;
};

export const memberships = collection<Membership>({
  name: 'memberships',
  projection: 'memberships',
  key: (d) => [d.user_id, d.room_id],
  indexes: {
    room: (d) => [d.room_id, d.membership, d.user_id],
    user: (d) => [d.user_id, d.membership, d.room_id],
  },
  fields: {
    key: ['user_id', 'room_id'],
    indexes: { room: ['room_id', 'membership', 'user_id'], user: ['user_id', 'membership', 'room_id'] },
  },
});

/** The same over time: an entry per change of membership. */
export type MembershipChange = Document & {
  user_id: string;
  room_id: string;
  position: number;
  /** As in the timeline. */
  index: number;
  membership: string;
  /** What it was before; `leave` for none. */
  previous: string;
  event_id: string;
  sender: string;
};

export const membershipChanges = collection<MembershipChange>({
  name: 'membership_changes',
  projection: 'memberships',
  key: (d) => [d.user_id, d.room_id, d.position, d.index],
  indexes: {
    user: (d) => [d.user_id, d.position],
    room: (d) => [d.room_id, d.position],
  },
  fields: {
    key: ['user_id', 'room_id', 'position', 'index'],
    indexes: { user: ['user_id', 'position'], room: ['room_id', 'position'] },
  },
});

/** The events that memberships and stripped states are made of, by ID: a state may bring back any of them. */
export type MembershipEvent = Document & {
  room_id: string;
  event_id: string;
  type: string;
  state_key: string;
  sender: string;
  /** JSON text. */
  content: string;
  position: number;
};

export const membershipEvents = collection<MembershipEvent>({
  name: 'membership_events',
  projection: 'memberships',
  key: (d) => [d.room_id, d.event_id],
  indexes: {},
  fields: { key: ['room_id', 'event_id'], indexes: {} },
});

/** The current events of a room's stripped state, members apart. */
export type StrippedRoom = Document & {
  room_id: string;
  events: readonly { readonly type: string; readonly event_id: string }[];
};

export const strippedRooms = collection<StrippedRoom>({
  name: 'stripped_rooms',
  projection: 'memberships',
  key: (d) => [d.room_id],
  indexes: {},
  fields: { key: ['room_id'], indexes: {} },
});

/** What a room is, at a glance: for the directory, summaries and heroes. */
export type RoomSummary = Document & {
  room_id: string;
  version: string;
  creator: string;
  room_type?: string;
  federate: boolean;
  name?: string;
  topic?: string;
  avatar_url?: string;
  canonical_alias?: string;
  join_rule: string;
  guest_access: string;
  history_visibility: string;
  encryption?: string;
  joined: number;
  invited: number;
  /** The first members by order of joining or being invited (at most 6: the reader's own ID is left out later). */
  heroes: readonly string[];
  /** The first who left or were banned, in that order; filled only while at most one member is left to be a hero. */
  former_heroes: readonly string[];
  listed: boolean;
  /** The newest event of the timeline. */
  last_position: number;
  tombstone?: string;
};

export const roomSummaries = collection<RoomSummary>({
  name: 'room_summaries',
  projection: 'room-summaries',
  key: (d) => [d.room_id],
  indexes: {
    // Largest rooms first, as the directory shows them.
    directory: (d) => (d.listed ? [-d.joined, d.room_id] : undefined),
  },
  fields: { key: ['room_id'], indexes: { directory: ['-joined', 'room_id'] } },
});

/** The members whom a room's summary counts, in the order that makes heroes. */
export type SummaryMember = Document & {
  room_id: string;
  user_id: string;
  membership: string;
  /** Joined or invited; left or banned; anything else. */
  standing: 'active' | 'former' | 'other';
  /** When the standing became what it is. */
  position: number;
  index: number;
};

export const summaryMembers = collection<SummaryMember>({
  name: 'summary_members',
  projection: 'room-summaries',
  key: (d) => [d.room_id, d.user_id],
  indexes: { order: (d) => [d.room_id, d.standing, d.position, d.index] },
  fields: { key: ['room_id', 'user_id'], indexes: { order: ['room_id', 'standing', 'position', 'index'] } },
});

/** The state events that a summary is made of, by ID: a state may bring back any of them. */
export type SummaryEvent = Document & {
  room_id: string;
  event_id: string;
  type: string;
  state_key: string;
  sender: string;
  /** Of its content, what summaries use. */
  content: Readonly<Record<string, string | boolean>>;
};

export const summaryEvents = collection<SummaryEvent>({
  name: 'summary_events',
  projection: 'room-summaries',
  key: (d) => [d.room_id, d.event_id],
  indexes: {},
  fields: { key: ['room_id', 'event_id'], indexes: {} },
});

/** Which event a summary has a type's fields from. */
export type SummarySource = Document & { room_id: string; type: string; event_id: string };

export const summarySources = collection<SummarySource>({
  name: 'summary_sources',
  projection: 'room-summaries',
  key: (d) => [d.room_id, d.type],
  indexes: {},
  fields: { key: ['room_id', 'type'], indexes: {} },
});

export type RoomAlias = Document & { alias: string; room_id: string; creator: string; position: number };

export const roomAliases = collection<RoomAlias>({
  name: 'room_aliases',
  projection: 'directory',
  key: (d) => [d.alias],
  indexes: { room: (d) => [d.room_id, d.alias] },
  fields: { key: ['alias'], indexes: { room: ['room_id', 'alias'] } },
});
