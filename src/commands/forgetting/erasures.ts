import type { LoggedRecord } from '../../log/log.js';
import type { RecordBody } from '../../log/records.js';
import { pause } from '../../runtime/pause.js';
import { isEventRecord, roomStream, type EventRecord } from '../aggregates/room.js';
import { userStream } from '../aggregates/user.js';
import type { CommandContext } from '../command.js';
import { Cursor } from '../cursor.js';
import type { WriteSide } from '../write-side.js';
import { recordForgotten, recordStreamForgotten, sealedEvents, type SealedEvent } from './forgotten.js';

const USER_PREFIX = userStream('');

/** Events whose content is found are recorded in lots of so many. */
const LOT = 500;

/**
 * State that rooms need, and that says nothing of who set it: without it others would send in the clear, servers that
 * were shut out would be back, or people could not come in. It stays when its sender's account is erased.
 */
const KEPT_STATE: ReadonlySet<unknown> = new Set([
  'm.room.canonical_alias',
  'm.room.create',
  'm.room.encryption',
  'm.room.guest_access',
  'm.room.history_visibility',
  'm.room.join_rules',
  'm.room.power_levels',
  'm.room.server_acl',
  'm.room.third_party_invite',
  'm.room.tombstone',
  'm.space.child',
  'm.space.parent',
]);

/**
 * Has everything forgotten that an account said, once it is closed with erasure (Client-Server API, Account
 * deactivation): the content of the events that it sent, its profile where others' invitations have it, and what its
 * own stream has sealed: profile, account data, names of devices. Memberships are no content, and stay.
 *
 * Costs a reading of the streams of all rooms that the user was ever in: 20 us for each of their records. It begins
 * again with the account after a crash, and passes over what is forgotten already.
 *
 * @param erased whose accounts were erased while this process runs: requests that were under way then may still end in
 *   an event
 */
export function erasures(side: WriteSide, erased = new Set<string>()): Cursor {
  return new Cursor(side, 'erasures', async (record, context) => {
    if (record.type === 'user.deactivated' && record.data.erase) {
      const userId = record.stream.slice(USER_PREFIX.length);
      erased.add(userId);
      await eraseAccount(side, userId, record, context);
      return true;
    }
    if (erased.size === 0 || !isEventRecord<LoggedRecord & RecordBody>(record)) return false;
    const sender = String(record.data.event['sender']);
    if (!erased.has(sender) || !record.stream.startsWith(roomStream(''))) return false;
    return eraseLater(side, sender, record, context);
  });
}

async function eraseAccount(
  side: WriteSide,
  userId: string,
  record: LoggedRecord,
  context: CommandContext,
): Promise<void> {
  const why = { cause: 'erased', user_id: userId } as const;
  await indexed(side, record.position);
  for (const { roomId } of side.ports.index.rooms(userId)) {
    let found: SealedEvent[] = [];
    for await (const batch of side.ports.log.read(roomStream(roomId))) {
      found.push(...sealedEvents(batch, (one) => isTheirs(one, userId)));
      if (found.length < LOT) continue;
      await recordForgotten(side, why, found, context);
      found = [];
    }
    await recordForgotten(side, why, found, context);
  }
  const { stream, revision } = record;
  await recordStreamForgotten(side, why, { stream, from: 0, to: revision }, context);
}

async function eraseLater(
  side: WriteSide,
  userId: string,
  { stream, revision }: LoggedRecord,
  context: CommandContext,
): Promise<boolean> {
  const found: SealedEvent[] = [];
  for await (const batch of side.ports.log.read(stream, { from: revision, limit: 1 })) {
    found.push(...sealedEvents(batch, (one) => isTheirs(one, userId)));
  }
  await recordForgotten(side, { cause: 'erased', user_id: userId }, found, context);
  return found.length > 0;
}

/** Whether an event says what the user said, or how they call themselves. */
function isTheirs({ data }: EventRecord, userId: string): boolean {
  const { sender, type, state_key } = data.event;
  if (sender === userId) return state_key === undefined || !KEPT_STATE.has(type);
  if (type !== 'm.room.member' || state_key !== userId) return false;
  const content = data.forgettable?.['content'];
  return (
    typeof content === 'object' && content !== null && ('displayname' in content || 'avatar_url' in content)
  );
}

/** Milliseconds. */
const INDEX_LOOK = 50;

/** Until the index of rooms is as new as a record: where other processes write the log, it comes a little later. */
async function indexed({ ports }: WriteSide, position: number): Promise<void> {
  while (ports.shared === true && ports.index.position < position) {
    await pause(ports.clock, INDEX_LOOK, new AbortController().signal);
  }
}
