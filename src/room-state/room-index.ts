import type { Hash } from './node.js';

/** What was decided about an event; `outlier`: known without its place in the graph. */
export type Standing = 'accepted' | 'soft_failed' | 'rejected' | 'outlier';

/** Where an event is: in its room's stream, in the log, in the graph. */
export interface EventPlace {
  readonly revision: number;
  /** The event's place among the records that share its revision (staged ones); else 0. */
  readonly index: number;
  readonly position: number;
  readonly standing: Standing;
  /** Roots of the state before and after it; the empty root for an outlier. */
  readonly stateBefore: Hash;
  readonly stateAfter: Hash;
  readonly depth: number;
  readonly authEvents: readonly string[];
  /** Which rule refused it, where one did. */
  readonly refusal?: { readonly rule: string; readonly reason: string };
  /** Where else the log has it: as the outlier that it was before it got this place. */
  readonly also?: readonly { readonly revision: number; readonly index: number }[];
}

/** A room's event graph from its front: all that a decision about the next event starts from. */
export interface RoomGraph {
  readonly version: string;
  readonly createEventId: string;
  /** Root of the current state. */
  readonly root: Hash;
  /** The forward extremities. */
  readonly extremities: readonly string[];
  /** The greatest depth of an extremity. */
  readonly depth: number;
}

/** A room as the write side knows it after the record of this revision. */
export interface RoomSnapshot {
  readonly roomId: string;
  readonly revision: number;
  readonly visibility: 'public' | 'private';
  /** Absent while no event of the room was accepted: then only outliers of it are known. */
  readonly graph: RoomGraph | undefined;
}

/** A member's standing changed in a room's current state. */
export interface MembershipEntry {
  readonly userId: string;
  readonly membership: string | undefined;
}

/** What a record of a room's stream adds. */
export interface IndexChange {
  readonly snapshot: RoomSnapshot;
  readonly places: ReadonlyMap<string, EventPlace>;
  /** The sender, device and transaction ID of a client's send, joined by `transactionKey`, and the event that it made. */
  readonly transactions: ReadonlyMap<string, string>;
  readonly memberships: readonly MembershipEntry[];
  /** State events, each with an auth event that it names. */
  readonly citations: readonly { readonly cited: string; readonly by: string; readonly position: number }[];
}

/**
 * What the write side looks up and the log can give again: derived, bounded by the log, gone without harm.
 * Reads are synchronous: an embedded store on this machine's disk, whatever the log is.
 */
export interface RoomIndex {
  place(roomId: string, eventId: string): EventPlace | undefined;
  transaction(roomId: string, key: string): string | undefined;
  snapshot(roomId: string): RoomSnapshot | undefined;
  /** The state events that name this one among their auth events, newest first. */
  citedBy(roomId: string, eventId: string): Iterable<string>;
  /** The rooms in which a user is (or was) something, by their current state. */
  rooms(userId: string): { readonly roomId: string; readonly membership: string }[];
  /** What a user is (or was) in a room. */
  membership(userId: string, roomId: string): string | undefined;
  record(change: IndexChange): void;
  /** Everything of the log up to here is in the index. */
  readonly position: number;
  /** The log's epoch that it was made from; empty while it is new. */
  readonly epoch: string;
  moveTo(position: number, epoch: string): void;
  /** Forgets everything. */
  clear(): Promise<void>;
}

/** One text for who sent what by which device; no part can hold a line feed unescaped. */
export function transactionKey(userId: string, deviceId: string, transactionId: string): string {
  return JSON.stringify([userId, deviceId, transactionId]);
}
