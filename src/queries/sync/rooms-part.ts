import {
  membershipChanges,
  notificationCounts,
  notificationRooms,
  type AccountData,
  type Membership,
} from '../../read-models/collections.js';
import { Courtesy } from '../../runtime/courtesy.js';
import type { ReadSide } from '../read-side.js';
import { joinedRoom, leftRoom, type RoomStretch } from './joined-room.js';
import { peekedRooms } from './peeks-part.js';
import type { RoomsParts, SyncPass } from './request.js';

/** The rooms of an answer, each as JSON text, by room ID. */
export interface RoomsPart {
  readonly join: ReadonlyMap<string, string>;
  readonly invite: ReadonlyMap<string, string>;
  readonly knock: ReadonlyMap<string, string>;
  readonly leave: ReadonlyMap<string, string>;
  /** Rooms that the viewer's device looks into. */
  readonly peek: ReadonlyMap<string, string>;
  /** Rooms that the viewer has come into since the last answer. */
  readonly entered: ReadonlySet<string>;
  /** People who have come into one of the viewer's other rooms since. */
  readonly newcomers: ReadonlySet<string>;
}

/**
 * The rooms in which something happened for the viewer. For a joined room in which nothing did, this is a look-up
 * in memory: an account in thousands of rooms costs some hundred microseconds.
 */
export async function roomsPart(
  side: ReadSide,
  pass: SyncPass,
  parts: RoomsParts,
  accountData: ReadonlyMap<string, readonly AccountData[]>,
): Promise<RoomsPart> {
  const join = new Map<string, string>();
  const invite = new Map<string, string>();
  const knock = new Map<string, string>();
  const leave = new Map<string, string>();
  const entered = new Set<string>();
  const newcomers = new Set<string>();
  const moves = await changesSince(side, pass);
  const counted = await countsSince(side, pass);
  const courtesy = new Courtesy(side.clock);
  for (const membership of pass.rooms.values()) {
    await courtesy.turn();
    const { room_id: roomId } = membership;
    if (membership.position > pass.to.position || !pass.filter.room.matchesRoom(roomId)) continue;
    const data = accountData.get(roomId);
    const move = moves.get(roomId);
    const isNew = move?.wasOutside ?? false;
    switch (membership.membership) {
      case 'join': {
        const since = isNew ? undefined : pass.since?.position;
        const hasNews =
          isNew ||
          data !== undefined ||
          counted.has(roomId) ||
          (await hasActivity(side, pass, parts, roomId));
        if (!hasNews) break;
        if (isNew) entered.add(roomId);
        else for (const userId of await joinedSince(side, roomId, pass)) newcomers.add(userId);
        const stretch = { roomId, since, to: pass.to.position, accountData: data };
        const text = await joinedRoom(side, pass, stretch, parts.lazyMembers);
        if (text !== undefined) join.set(roomId, text);
        break;
      }
      case 'invite':
        if (isSince(pass, membership) && !pass.ignored.has(membership.sender)) {
          invite.set(roomId, `{"invite_state":{"events":${membership.stripped_state ?? '[]'}}}`);
        }
        break;
      case 'knock':
        if (isSince(pass, membership)) {
          knock.set(roomId, `{"knock_state":{"events":${membership.stripped_state ?? '[]'}}}`);
        }
        break;
      case 'leave':
      case 'ban': {
        const stretch = leftStretch(pass, membership, move, data);
        if (stretch !== undefined) leave.set(roomId, await leftRoom(side, pass, stretch, parts.lazyMembers));
        break;
      }
    }
  }
  const peek = await peekedRooms(side, pass, parts, pass.peeks);
  return { join, invite, knock, leave, peek, entered, newcomers };
}

async function hasActivity(
  side: ReadSide,
  pass: SyncPass,
  parts: RoomsParts,
  roomId: string,
): Promise<boolean> {
  const { since } = pass;
  if (since === undefined || pass.fullState) return true;
  const last = parts.activity.known(roomId) ?? (await parts.activity.of(roomId));
  return last > since.position || side.typing.changedSince(roomId, since.ephemeral) !== undefined;
}

function isSince(pass: SyncPass, membership: Membership): boolean {
  return pass.since === undefined || membership.position > pass.since.position;
}

/**
 * A room that was left: since the last answer, or at first if the filter asks for such rooms. A client that begins
 * afresh may think that it is in them still.
 */
function leftStretch(
  pass: SyncPass,
  membership: Membership,
  move: Move | undefined,
  accountData: readonly AccountData[] | undefined,
): RoomStretch | undefined {
  const { since } = pass;
  if (membership.forgotten) return undefined;
  const isTold = pass.filter.room.includeLeave || pass.isAfresh;
  if (since === undefined ? !isTold : membership.position <= since.position) return undefined;
  const { room_id: roomId, position } = membership;
  // Who joined and left again knows nothing of the room; who was never let in is told of their own leaving only.
  const wasIn = move === undefined || !move.wasOutside;
  const from = wasIn ? since?.position : move.joined ? undefined : position - 1;
  return { roomId, since: from, to: position, accountData };
}

async function joinedSince(side: ReadSide, roomId: string, { since }: SyncPass): Promise<string[]> {
  if (since === undefined) return [];
  const range = { prefix: [roomId], after: [since.position] };
  const changes = await side.store.collection(membershipChanges).find(range, 'room');
  return changes.filter(({ membership }) => membership === 'join').map((change) => change.user_id);
}

/** How a membership moved since the last answer. */
interface Move {
  /** The viewer was not in the room at that time, or had been out of it in between: they know nothing of it. */
  readonly wasOutside: boolean;
  /** They were in it at some time since. */
  readonly joined: boolean;
}

/** Rooms whose membership changed since the last answer. */
async function changesSince(side: ReadSide, pass: SyncPass): Promise<Map<string, Move>> {
  const changed = new Map<string, Move>();
  if (pass.since === undefined) return changed;
  const range = { prefix: [pass.viewer.userId], after: [pass.since.position] };
  for (const change of await side.store.collection(membershipChanges).find(range, 'user')) {
    const before = changed.get(change.room_id);
    changed.set(change.room_id, {
      wasOutside: (before?.wasOutside ?? false) || change.previous !== 'join',
      joined: (before?.joined ?? false) || change.membership === 'join',
    });
  }
  return changed;
}

/**
 * Rooms whose unread counts changed without an event that everybody sees: by a private receipt, which is nobody else's
 * news, or as content was forgotten, in whichever room.
 */
async function countsSince(side: ReadSide, pass: SyncPass): Promise<Set<string>> {
  if (pass.since === undefined) return new Set();
  const after = [pass.since.position];
  const range = { prefix: [pass.viewer.userId], after };
  const found = await side.store.collection(notificationCounts).find(range, 'changed');
  const forgotten = await side.store.collection(notificationRooms).find({ prefix: [], after }, 'forgotten');
  return new Set([...found, ...forgotten].map(({ room_id: roomId }) => roomId));
}
