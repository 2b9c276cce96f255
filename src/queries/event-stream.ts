import { MatrixError } from '../protocol/errors.js';
import { accountData, timeline, type Membership, type TimelineEvent } from '../read-models/collections.js';
import { clientEvent, jsonArray } from './client-events.js';
import type { UserRooms } from './joined-rooms.js';
import { oldEvent, oldNotice, oldPresence } from './old-format.js';
import type { ReadSide, Viewer } from './read-side.js';
import { eventById, eyesOf, readingLimit, visibleEvents } from './room-history.js';
import { ignoredUsers, shownContent } from './sync/account-data-part.js';
import { receiptsSince, typingSince } from './sync/ephemeral-part.js';
import { Nap } from './sync/nap.js';
import { usersWithNewPresence } from './sync/presence-part.js';
import type { RoomActivity } from './sync/room-activity.js';
import { isIgnored } from './sync/timeline-window.js';
import { printToken, type SyncToken } from './tokens.js';

/** `GET /events` as it was asked for, checked in form. */
export interface EventStreamRequest {
  readonly viewer: Viewer;
  /** Absent: from now on. */
  readonly from: SyncToken | undefined;
  /** The only room to be told of, which the viewer need not be in; absent: all that they have joined. */
  readonly roomId: string | undefined;
  /** Of events in rooms. */
  readonly limit: number;
  /** Milliseconds to wait for something to happen. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** A room of the stream. */
interface Source {
  readonly roomId: string;
  /** Until where its events are the viewer's business. */
  readonly to: number;
  /** Whether they are in it, or look into it, now. */
  readonly isPresent: boolean;
}

interface Chunk {
  readonly texts: readonly string[];
  readonly end: SyncToken;
}

const MOST_EVENTS = 1000;
const NOBODY_NEW = { entered: new Set<string>(), newcomers: new Set<string>() };

/**
 * What happens, as one stream: the way of before `/sync`, and the one to look into a room (Client-Server API,
 * `GET /events`; Room previews). Events of rooms come in the order of the log; then receipts, account data, typing
 * and presence.
 *
 * Cost: as of a `/sync`, a read for each room in which something happened.
 */
export class EventStream {
  readonly #side: ReadSide;
  readonly #activity: RoomActivity;

  constructor(side: ReadSide, activity: RoomActivity) {
    this.#side = side;
    this.#activity = activity;
  }

  /**
   * The answer as JSON text.
   *
   * @throws MatrixError M_FORBIDDEN for a room that the viewer may not look into, M_INVALID_PARAM for a token from
   *   before the server was restored
   */
  async answer(request: EventStreamRequest): Promise<string> {
    const side = this.#side;
    const { viewer, roomId, signal } = request;
    if (request.from !== undefined && request.from.epoch !== side.epoch) {
      throw new MatrixError('M_INVALID_PARAM', '"from" is from before this server was restored.');
    }
    side.presence.synced(viewer.userId, 'online');
    const from = request.from ?? this.#now();
    const deadline = side.clock.monotonic() + request.timeout;
    const watched = new Set(roomId === undefined ? [] : [roomId]);
    for (;;) {
      const nap = new Nap(side, viewer.userId, watched);
      try {
        const chunk = await this.#look(request, from);
        const left = deadline - side.clock.monotonic();
        if (chunk.texts.length > 0 || left <= 0 || signal.aborted) return answerText(from, chunk);
        if (!(await nap.until(left, signal))) return answerText(from, await this.#look(request, from));
      } finally {
        nap.end();
      }
    }
  }

  #now(): SyncToken {
    const { counter, positions, epoch } = this.#side;
    return { ephemeral: counter.value, position: positions.processed, epoch };
  }

  async #look(request: EventStreamRequest, from: SyncToken): Promise<Chunk> {
    const side = this.#side;
    const { viewer, roomId } = request;
    // The counter first: what changes meanwhile is then told again rather than lost.
    const to = this.#now();
    const rooms = await side.joinedRooms.of(viewer.userId);
    const sources = roomId === undefined ? ownSources(rooms, from, to) : [await this.#peeked(request, to)];
    const active: Source[] = [];
    for (const source of sources) {
      if (!source.isPresent || (await this.#activity.of(source.roomId)) > from.position) active.push(source);
    }
    const ignored = await ignoredUsers(side, viewer.userId);
    const view = { viewer, ignored, limit: Math.min(request.limit, MOST_EVENTS) };
    const found = await roomEvents(side, active, from, to, view);
    const own = roomId === undefined ? await ownMemberEvents(side, rooms, from, found.end) : [];
    const events = inOrder([...found.events, ...own]);
    const now = side.clock.now();
    const texts = events.map((event) => oldEvent(clientEvent(event, viewer, now), event.sender));
    const present = active.filter(({ isPresent }) => isPresent);
    for (const room of present) {
      const content = await receiptsSince(side, { viewer, to: found.end }, room.roomId, from.position);
      if (content !== undefined) texts.push(oldNotice('m.receipt', JSON.stringify(content), room.roomId));
    }
    if (roomId === undefined) texts.push(...(await ownData(side, viewer.userId, from, found.end)));
    // Where events are left for the next answer, what has no place among them waits for it too.
    if (found.end.position < to.position) return { texts, end: { ...found.end, ephemeral: from.ephemeral } };
    const seen = sources.filter(({ isPresent }) => isPresent).map((source) => source.roomId);
    for (const room of seen) {
      const typing = typingSince(side, { ignored }, room, from.ephemeral);
      if (typing !== undefined) texts.push(oldNotice('m.typing', JSON.stringify({ user_ids: typing }), room));
    }
    const through = new Map(seen.map((room) => [room, { membership: 'join' }]));
    const presence = { viewer, since: from, rooms: through, ignored };
    for (const userId of await usersWithNewPresence(side, presence, NOBODY_NEW)) {
      // Who looks into a room is told of those in it.
      if (roomId !== undefined && userId === viewer.userId) continue;
      texts.push(oldPresence(userId, side.presence.of(userId), now));
    }
    return { texts, end: to };
  }

  /** The room that was asked for. @throws MatrixError M_FORBIDDEN */
  async #peeked({ viewer, roomId = '' }: EventStreamRequest, to: SyncToken): Promise<Source> {
    const { membership } = await readingLimit(this.#side, viewer.userId, roomId);
    if (membership !== 'join' && membership !== 'preview') {
      throw new MatrixError('M_FORBIDDEN', 'You have left this room, and it is not open to be looked at.');
    }
    return { roomId, to: to.position, isPresent: true };
  }
}

/** The rooms that the viewer has joined, and those that they have left since. */
function ownSources(rooms: UserRooms, from: SyncToken, to: SyncToken): Source[] {
  const sources: Source[] = [];
  for (const { room_id: roomId, membership, position } of rooms.values()) {
    if (membership === 'join') sources.push({ roomId, to: to.position, isPresent: true });
    else if ((membership === 'leave' || membership === 'ban') && position > from.position) {
      sources.push({ roomId, to: position, isPresent: false });
    }
  }
  return sources;
}

/** The next events of these rooms, as far as all of them are known; those of one commit stay together. */
async function roomEvents(
  side: ReadSide,
  sources: readonly Source[],
  from: SyncToken,
  to: SyncToken,
  view: { readonly viewer: Viewer; readonly ignored: ReadonlySet<string>; readonly limit: number },
): Promise<{ events: TimelineEvent[]; end: SyncToken }> {
  const { viewer, ignored, limit } = view;
  const collection = side.store.collection(timeline);
  let end = to.position;
  const events: TimelineEvent[] = [];
  for (const source of sources) {
    const prefix = [source.roomId];
    let found = await collection.find({
      prefix,
      after: [from.position],
      to: [source.to],
      limit: limit + 1,
    });
    const beyond = found[limit];
    if (beyond !== undefined) {
      const whole = found.filter(({ position }) => position < beyond.position);
      found = whole.length > 0 ? whole : await collection.find({ prefix: [...prefix, beyond.position] });
      end = Math.min(end, found.at(-1)?.position ?? end);
    }
    const wanted = found.filter((event) => !isIgnored(event, ignored));
    events.push(...(await visibleEvents(side, await eyesOf(side, viewer.userId, source.roomId), wanted)));
  }
  const known = inOrder(events.filter(({ position }) => position <= end));
  const next = known[limit];
  if (next === undefined) return { events: known, end: { ...to, position: end } };
  const before = known.filter(({ position }) => position < next.position);
  const page = before.length > 0 ? before : known.filter(({ position }) => position === next.position);
  return { events: page, end: { ...to, position: page.at(-1)?.position ?? end } };
}

/** What happened to the viewer in rooms that they are not in: invites first of all. */
async function ownMemberEvents(
  side: ReadSide,
  rooms: UserRooms,
  from: SyncToken,
  end: SyncToken,
): Promise<TimelineEvent[]> {
  const isNews = ({ membership, position }: Membership) =>
    membership !== 'join' && position > from.position && position <= end.position;
  const found: TimelineEvent[] = [];
  for (const membership of rooms.values()) {
    if (!isNews(membership)) continue;
    const event = await eventById(side, membership.room_id, membership.event_id);
    if (event !== undefined) found.push(event);
  }
  return found;
}

/** Account data of the viewer that changed, of the account and of rooms. */
async function ownData(side: ReadSide, userId: string, from: SyncToken, end: SyncToken): Promise<string[]> {
  const range = { prefix: [userId], after: [from.position], to: [end.position] };
  const found = await side.store.collection(accountData).find(range, 'changed');
  return found.map((entry) => oldNotice(entry.type, shownContent(entry, userId), entry.room_id));
}

/** In the order of the log, each once. */
function inOrder(events: readonly TimelineEvent[]): TimelineEvent[] {
  const once = new Map(events.map((event) => [`${event.position}.${event.index}`, event]));
  return [...once.values()].sort((a, b) => a.position - b.position || a.index - b.index);
}

function answerText(from: SyncToken, { texts, end }: Chunk): string {
  const [start, stop] = [from, end].map((token) => JSON.stringify(printToken(token)));
  return `{"start":${start ?? ''},"end":${stop ?? ''},"chunk":${jsonArray(texts)}}`;
}
