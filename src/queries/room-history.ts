import { MatrixError } from '../protocol/errors.js';
import { stateKeyText } from '../protocol/events.js';
import { visible, type HistoryVisibility } from '../protocol/history-visibility.js';
import {
  membershipChanges,
  stateEvents,
  stateRoots,
  timeline,
  type MembershipChange,
  type StateEvent,
  type TimelineEvent,
} from '../read-models/collections.js';
import type { Hash } from '../room-state/node.js';
import { entries, EMPTY_ROOT, lookup, lookupMany, type GroupFilter } from '../room-state/trie.js';
import type { ReadSide } from './read-side.js';

/** The root of a room's current state as it was at a position. */
export async function rootAt(side: ReadSide, roomId: string, position: number): Promise<Hash> {
  const found = await side.store
    .collection(stateRoots)
    .find({ prefix: [roomId], to: [position], reverse: true, limit: 1 });
  return found[0]?.root ?? EMPTY_ROOT;
}

/** The events of a state, or of one group of it (`only`, `except` types as `stateKeyText(type, '')`). */
export async function stateOf(
  side: ReadSide,
  roomId: string,
  root: Hash,
  filter?: GroupFilter,
): Promise<StateEvent[]> {
  const ids = [...entries(side.nodes, root, filter)].map(([, id]) => id);
  return eventsById(side, roomId, ids);
}

/** The event at one key of a state. */
export async function stateEventAt(
  side: ReadSide,
  roomId: string,
  root: Hash,
  type: string,
  stateKey: string,
): Promise<StateEvent | undefined> {
  const id = lookup(side.nodes, root, stateKeyText(type, stateKey));
  return id === undefined ? undefined : side.store.collection(stateEvents).get([roomId, id]);
}

/** The member events of these users in a state. */
export async function membersAt(
  side: ReadSide,
  roomId: string,
  root: Hash,
  userIds: Iterable<string>,
): Promise<StateEvent[]> {
  const keys = [...new Set(userIds)].map((userId) => stateKeyText('m.room.member', userId));
  return eventsById(side, roomId, [...lookupMany(side.nodes, root, keys).values()]);
}

export async function eventsById(
  side: ReadSide,
  roomId: string,
  ids: readonly string[],
): Promise<StateEvent[]> {
  const found = await side.store.collection(stateEvents).getMany(ids.map((id) => [roomId, id]));
  return found.filter((event) => event !== undefined);
}

/** The timeline's event with this ID, if it is of this room. */
export async function eventById(
  side: ReadSide,
  roomId: string,
  eventId: string,
): Promise<TimelineEvent | undefined> {
  const found = await side.store.collection(timeline).find({ prefix: [eventId, roomId], limit: 1 }, 'event');
  return found[0];
}

/** What a user's eyes on a room's history are: their own changes of membership, oldest first. */
export interface Eyes {
  readonly userId: string;
  readonly changes: readonly MembershipChange[];
}

export async function eyesOf(side: ReadSide, userId: string, roomId: string): Promise<Eyes> {
  const changes = await side.store.collection(membershipChanges).find({ prefix: [userId, roomId] });
  return { userId, changes };
}

/**
 * Which of these events a user may see (Client-Server API, Room History Visibility), by the state before each, and
 * after it where it changes the setting or the user's own membership. Events while the user was in the room are
 * visible without a look at the state; for others two look-ups each, cached by root.
 */
export async function visibleEvents(
  side: ReadSide,
  eyes: Eyes,
  events: readonly TimelineEvent[],
): Promise<TimelineEvent[]> {
  const settings = new Map<Hash, HistoryVisibility>();
  const roomId = events[0]?.room_id ?? '';
  const settingAt = async (root: Hash): Promise<HistoryVisibility> => {
    const known = settings.get(root);
    if (known !== undefined) return known;
    const event = await stateEventAt(side, roomId, root, 'm.room.history_visibility', '');
    const setting = visibilityIn(event);
    settings.set(root, setting);
    return setting;
  };
  const seen: TimelineEvent[] = [];
  for (const event of events) {
    if (await mayDisplay(side, eyes, event, settingAt)) seen.push(event);
  }
  return seen;
}

async function mayDisplay(
  side: ReadSide,
  eyes: Eyes,
  event: TimelineEvent,
  settingAt: (root: Hash) => Promise<HistoryVisibility>,
): Promise<boolean> {
  // Who is in the room when an event arrives is sent it, whatever branch of the graph it is on.
  if (linearMembership(eyes, event.position) === 'join') return true;
  const member = membershipIn(
    await stateEventAt(side, event.room_id, event.state_before, 'm.room.member', eyes.userId),
  );
  const visibility = await settingAt(event.state_before);
  const changesSetting = event.type === 'm.room.history_visibility' && event.state_key === '';
  const isOwn = event.type === 'm.room.member' && event.state_key === eyes.userId;
  return visible(
    { visibility, ...(changesSetting ? { visibilityAfter: await settingAt(event.state_after) } : {}) },
    {
      membership: member,
      ...(isOwn ? { membershipAfter: event.membership } : {}),
      joinedLater: eyes.changes.some(
        (change) => change.membership === 'join' && change.position > event.position,
      ),
    },
  );
}

/** What the user was in the room's current state just before a position. */
function linearMembership(eyes: Eyes, position: number): string | undefined {
  return eyes.changes.findLast((change) => change.position < position)?.membership;
}

/** The membership that a member event sets. */
export function membershipIn(event: StateEvent | undefined): string | undefined {
  return event?.membership;
}

function visibilityIn(event: StateEvent | undefined): HistoryVisibility {
  const value = event?.visibility;
  return value === 'world_readable' || value === 'invited' || value === 'joined' ? value : 'shared';
}

/**
 * Until where a user may read a room's present: to its end for members, to when they left for former members;
 * `preview` for who never was one but may look in.
 *
 * @throws MatrixError M_FORBIDDEN for who may not
 */
export async function readingLimit(
  side: ReadSide,
  userId: string,
  roomId: string,
): Promise<{ readonly membership: string; readonly until: number | undefined }> {
  const membership = (await side.joinedRooms.of(userId)).get(roomId);
  if (membership !== undefined && membership.membership === 'join')
    return { membership: 'join', until: undefined };
  const root = await rootAt(side, roomId, side.positions.processed);
  const setting = visibilityIn(await stateEventAt(side, roomId, root, 'm.room.history_visibility', ''));
  if (root !== EMPTY_ROOT && setting === 'world_readable') return { membership: 'preview', until: undefined };
  const { changes } = await eyesOf(side, userId, roomId);
  const wasJoined = changes.some((change) => change.membership === 'join');
  if (membership !== undefined && wasJoined && !membership.forgotten) {
    return { membership: membership.membership, until: membership.position };
  }
  throw new MatrixError('M_FORBIDDEN', 'You are not in this room, and it is not open to be looked at.');
}
