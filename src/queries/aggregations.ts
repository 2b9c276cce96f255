import { timeline, type TimelineEvent } from '../read-models/collections.js';
import { clientEvent, jsonArray } from './client-events.js';
import type { ReadSide } from './read-side.js';
import { visibleEvents } from './room-history.js';
import type { Sight } from './sight.js';
import { isIgnored } from './sync/timeline-window.js';

const PAGE = 20;
/** Children that the viewer may not see, or that are no valid edits, are passed over; so many at most. */
const MOST_LOOKED_AT = 200;
const MOST_REFERENCES = 200;

/**
 * Events as a client gets them, with the aggregations of their children bundled in (Client-Server API, Aggregations
 * of child events; Event replacements; Threading; Reference relations). State events get none.
 *
 * Cost: an index look-up of each message that has no children; some more of each that has.
 */
export async function withAggregations(
  side: ReadSide,
  sight: Sight,
  events: readonly TimelineEvent[],
): Promise<string[]> {
  return Promise.all(events.map((event) => aggregated(side, sight, event, true)));
}

async function aggregated(
  side: ReadSide,
  sight: Sight,
  event: TimelineEvent,
  withThread: boolean,
): Promise<string> {
  const relations = await bundle(side, sight, event, withThread);
  return clientEvent(event, sight.viewer, sight.now, relations);
}

/** The `m.relations` of an event, as JSON text; undefined where there are none. */
async function bundle(
  side: ReadSide,
  sight: Sight,
  event: TimelineEvent,
  withThread: boolean,
): Promise<string | undefined> {
  if (event.state_key !== undefined || !(await hasChildren(side, event))) return undefined;
  const members: string[] = [];
  const edit = await latestEdit(side, sight, event);
  if (edit !== undefined) members.push(`"m.replace":${clientEvent(edit, sight.viewer, sight.now)}`);
  const thread = withThread ? await threadSummary(side, sight, event) : undefined;
  if (thread !== undefined) members.push(`"m.thread":${thread}`);
  const references = await referencesTo(side, sight, event);
  if (references.length > 0) members.push(`"m.reference":{"chunk":${jsonArray(references)}}`);
  return members.length === 0 ? undefined : `{${members.join(',')}}`;
}

async function hasChildren(side: ReadSide, event: TimelineEvent): Promise<boolean> {
  const range = { prefix: [event.room_id, event.event_id], limit: 1 };
  return (await side.store.collection(timeline).count(range, 'relation')) > 0;
}

/**
 * The edit that counts: the latest valid one by time, then by ID (Event replacements, Validity of replacement events
 * and Server-side aggregation). Whose edits they are is in the index, so strangers' cannot hide it.
 */
async function latestEdit(
  side: ReadSide,
  sight: Sight,
  event: TimelineEvent,
): Promise<TimelineEvent | undefined> {
  if (event.redacted_by !== undefined || event.relates_to?.rel_type === 'm.replace') return undefined;
  const range = {
    prefix: [event.room_id, event.event_id, 'm.replace', event.sender],
    reverse: true,
    limit: MOST_LOOKED_AT,
  };
  const edits = await side.store.collection(timeline).find(range, 'relation_sender');
  const valid = edits.filter((edit) => isValidEdit(edit, event) && !isIgnored(edit, sight.ignored));
  const visible = await visibleEvents(side, sight.eyes, valid);
  return visible.reduce<TimelineEvent | undefined>(
    (latest, edit) => (latest === undefined || isLater(edit, latest) ? edit : latest),
    undefined,
  );
}

function isValidEdit(edit: TimelineEvent, original: TimelineEvent): boolean {
  if (edit.type !== original.type || edit.state_key !== undefined) return false;
  // An encrypted edit has its new content where we cannot see it.
  if (edit.type === 'm.room.encrypted') return true;
  const { content } = JSON.parse(edit.json) as { content: Readonly<Record<string, unknown>> };
  return Object.hasOwn(content, 'm.new_content');
}

function isLater(edit: TimelineEvent, than: TimelineEvent): boolean {
  const difference = edit.origin_server_ts - than.origin_server_ts;
  return difference === 0 ? edit.event_id > than.event_id : difference > 0;
}

/** Threading, Server-side aggregation of `m.thread` relationships: the latest event, how many, and whether one's own are among them. */
async function threadSummary(side: ReadSide, sight: Sight, root: TimelineEvent): Promise<string | undefined> {
  const collection = side.store.collection(timeline);
  const prefix = [root.room_id, root.event_id, 'm.thread'];
  const total = await collection.count({ prefix }, 'relation');
  if (total === 0) return undefined;
  const latest = await latestVisible(side, sight, prefix);
  if (latest === undefined) return undefined;
  let ignored = 0;
  for (const userId of sight.ignored) {
    ignored += await collection.count({ prefix: [...prefix, userId] }, 'relation_sender');
  }
  const own = { prefix: [...prefix, sight.viewer.userId], limit: 1 };
  const participated =
    root.sender === sight.viewer.userId || (await collection.count(own, 'relation_sender')) > 0;
  const latestText = await aggregated(side, sight, latest, false);
  return `{"latest_event":${latestText},"count":${total - ignored},"current_user_participated":${participated}}`;
}

/** The newest child that is for the viewer's eyes. */
async function latestVisible(
  side: ReadSide,
  sight: Sight,
  prefix: readonly string[],
): Promise<TimelineEvent | undefined> {
  const collection = side.store.collection(timeline);
  let before: number | undefined;
  for (let lookedAt = 0; lookedAt < MOST_LOOKED_AT; lookedAt += PAGE) {
    const range = {
      prefix,
      reverse: true,
      limit: PAGE,
      ...(before === undefined ? {} : { before: [before] }),
    };
    const page = await collection.find(range, 'relation');
    const wanted = page.filter((event) => !isIgnored(event, sight.ignored));
    const [latest] = await visibleEvents(side, sight.eyes, wanted);
    if (latest !== undefined || page.length < PAGE) return latest;
    before = page.at(-1)?.position;
  }
  return undefined;
}

/** Reference relations: the IDs of those who refer to the event, oldest first. */
async function referencesTo(side: ReadSide, sight: Sight, event: TimelineEvent): Promise<string[]> {
  const range = { prefix: [event.room_id, event.event_id, 'm.reference'], limit: MOST_REFERENCES };
  const found = await side.store.collection(timeline).find(range, 'relation');
  const wanted = found.filter((child) => !isIgnored(child, sight.ignored));
  const visible = await visibleEvents(side, sight.eyes, wanted);
  return visible.map(({ event_id }) => JSON.stringify({ event_id }));
}
