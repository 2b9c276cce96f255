import type { JsonObject } from '../src/protocol/json.js';
import type { SummaryEvent } from '../src/read-models/collections.js';

/** The part of a summary that state events say, each by its type. Absent: nothing sensible is said. */
export interface SummaryFields {
  creator: string;
  room_type?: string | undefined;
  federate: boolean;
  name?: string | undefined;
  topic?: string | undefined;
  avatar_url?: string | undefined;
  canonical_alias?: string | undefined;
  join_rule: string;
  guest_access: string;
  history_visibility: string;
  encryption?: string | undefined;
  tombstone?: string | undefined;
}

type Content = SummaryEvent['content'];

/** What holds in a room whose state says nothing (Client-Server API: each event's own section). */
export const DEFAULT_FIELDS = {
  creator: '',
  federate: true,
  join_rule: 'invite',
  guest_access: 'forbidden',
  history_visibility: 'shared',
} as const satisfies SummaryFields;

const HISTORY_VISIBILITIES: ReadonlySet<string> = new Set(['world_readable', 'shared', 'invited', 'joined']);

/** Which members of an event's content a summary uses, by event type. */
const USED: ReadonlyMap<string, readonly string[]> = new Map([
  ['m.room.create', ['type', 'm.federate']],
  ['m.room.name', ['name']],
  ['m.room.topic', ['topic']],
  ['m.room.avatar', ['url']],
  ['m.room.canonical_alias', ['alias']],
  ['m.room.join_rules', ['join_rule']],
  ['m.room.guest_access', ['guest_access']],
  ['m.room.history_visibility', ['history_visibility']],
  ['m.room.encryption', ['algorithm']],
  ['m.room.tombstone', ['replacement_room']],
  ['m.room.member', ['membership']],
]);

/** Whether a summary is made of events with this type and state key. */
export function isSummarised(type: string, stateKey: string): boolean {
  return USED.has(type) && (type === 'm.room.member' || stateKey === '');
}

/** Of a content what summaries use. A value of the wrong type, or an empty text, is as good as absent. */
export function usedContent(type: string, content: JsonObject): Content {
  const used: Record<string, string | boolean> = {};
  for (const field of USED.get(type) ?? []) {
    const value = Object.hasOwn(content, field) ? content[field] : undefined;
    if (typeof value === 'boolean' || (typeof value === 'string' && value !== '')) used[field] = value;
  }
  return used;
}

/** What an event of this type says; no event says what holds by default. */
export function fieldsOf(
  type: string,
  event: Pick<SummaryEvent, 'sender' | 'content'> | undefined,
): Partial<SummaryFields> {
  const content: Content = event?.content ?? {};
  switch (type) {
    case 'm.room.create':
      // The creator is the sender in all room versions (Room Version 11, Event format).
      return {
        creator: event?.sender ?? DEFAULT_FIELDS.creator,
        room_type: text(content['type']),
        federate: content['m.federate'] !== false,
      };
    case 'm.room.name':
      return { name: text(content['name']) };
    case 'm.room.topic':
      return { topic: text(content['topic']) };
    case 'm.room.avatar':
      return { avatar_url: text(content['url']) };
    case 'm.room.canonical_alias':
      return { canonical_alias: text(content['alias']) };
    case 'm.room.join_rules':
      return { join_rule: text(content['join_rule']) ?? DEFAULT_FIELDS.join_rule };
    case 'm.room.guest_access':
      return { guest_access: text(content['guest_access']) ?? DEFAULT_FIELDS.guest_access };
    case 'm.room.history_visibility': {
      const value = text(content['history_visibility']);
      const isKnown = value !== undefined && HISTORY_VISIBILITIES.has(value);
      return { history_visibility: isKnown ? value : DEFAULT_FIELDS.history_visibility };
    }
    case 'm.room.encryption':
      return { encryption: text(content['algorithm']) };
    case 'm.room.tombstone':
      return { tombstone: text(content['replacement_room']) };
    default:
      return {};
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
