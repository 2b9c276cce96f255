import { roomSummaries, type AccountData } from '../../read-models/collections.js';
import { withAggregations } from '../aggregations.js';
import { clientEvent, jsonArray } from '../client-events.js';
import type { ReadSide } from '../read-side.js';
import { eyesOf } from '../room-history.js';
import { timelineToken } from '../tokens.js';
import { unreadCounts, type UnreadCounts, type UnreadRoom } from '../unread-counts.js';
import { accountDataEvents } from './account-data-part.js';
import { ephemeralPart } from './ephemeral-part.js';
import { inFormat } from './event-format.js';
import type { LazyMembers } from './lazy-members.js';
import { deviceKey, type SyncPass } from './request.js';
import { statePart } from './room-state-part.js';
import { timelinePart, type TimelinePart } from './timeline-window.js';

/** Client-Server API, Filtering, leaves the number of events to the server where the client names none. */
const DEFAULT_LIMIT = 10;
const MOST_EVENTS = 100;

/** A room of the answer: the stretch that the viewer is told of, and what else there is to tell. */
export interface RoomStretch {
  readonly roomId: string;
  /** Absent: the viewer knows nothing of the room. */
  readonly since: number | undefined;
  /** The end: of the answer, or of the viewer's membership. */
  readonly to: number;
  readonly accountData: readonly AccountData[] | undefined;
}

/**
 * A room in `rooms.join`, as JSON text, or `undefined` where there is nothing to tell. Stored texts are spliced
 * together; nothing is parsed, unless the filter asks for some fields only.
 */
export async function joinedRoom(
  side: ReadSide,
  pass: SyncPass,
  stretch: RoomStretch,
  lazyMembers: LazyMembers,
): Promise<string | undefined> {
  const { roomId, since } = stretch;
  const part = await readTimeline(side, pass, stretch);
  const state = await stateTexts(side, pass, stretch, part, lazyMembers);
  const ephemeral = await ephemeralPart(side, pass, roomId, since);
  const data = accountDataEvents(stretch.accountData, pass.filter.room.accountData, pass.viewer.userId);
  const counts = await unreadCounts(side, pass.viewer.userId, roomId);
  const countsChanged = counts !== undefined && (since === undefined || counts.changed > since);
  const nothing = part.events.length + state.length + ephemeral.length + data.length === 0;
  if (nothing && since !== undefined && !countsChanged && !pass.fullState) return undefined;

  const membersChanged =
    since === undefined || part.limited || part.events.some((event) => event.type === 'm.room.member');
  const summary = membersChanged ? await summaryOf(side, pass, roomId) : {};
  const fields = [
    `"timeline":${await timelineText(side, pass, stretch, part)}`,
    `"${pass.stateAfter ? 'state_after' : 'state'}":{"events":${jsonArray(state)}}`,
    `"ephemeral":{"events":${jsonArray(ephemeral)}}`,
    `"account_data":{"events":${jsonArray(data)}}`,
    `"summary":${JSON.stringify(summary)}`,
    ...unreadTexts(counts, pass.filter.room.timeline.unreadThreadNotifications),
  ];
  return `{${fields.join(',')}}`;
}

/** A room in `rooms.leave`: what the viewer saw until they left. */
export async function leftRoom(
  side: ReadSide,
  pass: SyncPass,
  stretch: RoomStretch,
  lazyMembers: LazyMembers,
): Promise<string> {
  const part = await readTimeline(side, pass, stretch);
  const state = await stateTexts(side, pass, stretch, part, lazyMembers);
  const data = accountDataEvents(stretch.accountData, pass.filter.room.accountData, pass.viewer.userId);
  const fields = [
    `"timeline":${await timelineText(side, pass, stretch, part)}`,
    `"${pass.stateAfter ? 'state_after' : 'state'}":{"events":${jsonArray(state)}}`,
    `"account_data":{"events":${jsonArray(data)}}`,
  ];
  return `{${fields.join(',')}}`;
}

async function readTimeline(side: ReadSide, pass: SyncPass, stretch: RoomStretch): Promise<TimelinePart> {
  const filter = pass.filter.room.timeline;
  const limit = Math.min(filter.limit ?? DEFAULT_LIMIT, MOST_EVENTS);
  const eyes = await eyesOf(side, pass.viewer.userId, stretch.roomId);
  const window = { after: stretch.since, to: stretch.to };
  const part = await timelinePart(side, eyes, stretch.roomId, window, filter, limit, pass.ignored);
  // To a client that goes on, a room that is new to it begins with a gap, as it does with other servers.
  const isNew = stretch.since === undefined && (pass.since !== undefined || pass.isAfresh);
  return isNew ? { ...part, limited: true } : part;
}

async function stateTexts(
  side: ReadSide,
  pass: SyncPass,
  stretch: RoomStretch,
  part: TimelinePart,
  lazyMembers: LazyMembers,
): Promise<readonly string[]> {
  const { roomId, since, to } = stretch;
  const first = part.events[0];
  const filter = pass.filter.room.state;
  const { events, lazy } = await statePart(side, {
    roomId,
    since: pass.fullState ? undefined : since,
    at: pass.stateAfter || first === undefined ? to : first.position - 1,
    timeline: part.events,
    filter,
    userId: pass.viewer.userId,
  });
  const device = deviceKey(pass.viewer);
  if (since === undefined || pass.fullState) lazyMembers.reset(device, roomId);
  const unsent = filter.includeRedundantMembers ? lazy : lazyMembers.unsent(device, roomId, lazy);
  const inTimeline = pass.stateAfter
    ? new Set<string>()
    : new Set(part.events.map((event) => event.event_id));
  const told = [...events, ...unsent].filter((event) => !inTimeline.has(event.event_id));
  const texts = told.map(({ json }) => json);
  return inFormat(side, pass.filter, texts);
}

async function timelineText(
  side: ReadSide,
  pass: SyncPass,
  stretch: RoomStretch,
  part: TimelinePart,
): Promise<string> {
  const texts = await inFormat(side, pass.filter, await eventTexts(side, pass, stretch, part));
  const first = part.events[0];
  const before = first === undefined ? (stretch.since ?? stretch.to) : first.position - 1;
  return `{"events":${jsonArray(texts)},"limited":${part.limited},"prev_batch":"${timelineToken(before, side.epoch)}"}`;
}

/** With aggregations where there is a gap before the events, as the specification says (Aggregations of child events). */
async function eventTexts(
  side: ReadSide,
  { viewer, ignored, now }: SyncPass,
  { roomId }: RoomStretch,
  { events, limited }: TimelinePart,
): Promise<string[]> {
  if (!limited) return events.map((event) => clientEvent(event, viewer, now));
  const eyes = await eyesOf(side, viewer.userId, roomId);
  return withAggregations(side, { viewer, eyes, ignored, now }, events);
}

/** Counts always; heroes where the room has no name of its own (Client-Server API, RoomSummary). */
async function summaryOf(side: ReadSide, pass: SyncPass, roomId: string): Promise<Record<string, unknown>> {
  const summary = await side.store.collection(roomSummaries).get([roomId]);
  if (summary === undefined) return {};
  const counts = { 'm.joined_member_count': summary.joined, 'm.invited_member_count': summary.invited };
  if (summary.name !== undefined || summary.canonical_alias !== undefined) return counts;
  const others = (people: readonly string[]) =>
    people
      .filter((userId) => userId !== pass.viewer.userId)
      .slice(0, 5)
      .sort();
  const active = others(summary.heroes);
  return { 'm.heroes': active.length > 0 ? active : others(summary.former_heroes), ...counts };
}

function unreadTexts(unread: UnreadRoom | undefined, byThread: boolean): string[] {
  const text = ({ notifications, highlights }: UnreadCounts) =>
    JSON.stringify({ notification_count: notifications, highlight_count: highlights });
  const total = unread ?? { notifications: 0, highlights: 0 };
  const threads = [...(unread?.threads ?? [])];
  if (!byThread || threads.length === 0) return [`"unread_notifications":${text(total)}`];
  // The totals have the threads in them; who asks for threads gets them apart.
  const main = threads.reduce(
    (rest, [, thread]) => ({
      notifications: rest.notifications - thread.notifications,
      highlights: rest.highlights - thread.highlights,
    }),
    { notifications: total.notifications, highlights: total.highlights },
  );
  const perThread = threads.map(([root, thread]) => `${JSON.stringify(root)}:${text(thread)}`);
  return [`"unread_notifications":${text(main)}`, `"unread_thread_notifications":{${perThread.join(',')}}`];
}
