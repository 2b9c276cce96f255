/** Event filters, compiled (specification: Client-Server API, Filtering). */
import { MatrixError } from './errors.js';
import { projectFields } from './event-fields.js';
import { compileGlob, type TextMatcher } from './globs.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/** What filters see of an event. Account data has no sender, what is sent to a device no room. */
export interface FilteredEvent {
  readonly type: string;
  readonly sender?: string | undefined;
  readonly room_id?: string | undefined;
  readonly content: JsonObject;
}

/** An event's relation to another one, seen from the other one. */
export interface IncomingRelation {
  readonly relType: string;
  readonly sender: string;
}

/** A filter for one list of events. */
export interface EventFilter {
  /**
   * As the client says; the server's default and bound are the caller's. 0 is not allowed, but sent by clients
   * that want no events.
   */
  readonly limit: number | undefined;
  readonly lazyLoadMembers: boolean;
  readonly includeRedundantMembers: boolean;
  readonly unreadThreadNotifications: boolean;
  /** Whether no event at all can match: there is no need to look for any. */
  readonly matchesNothing: boolean;
  /** Whether each event matches, so that a caller need not ask. */
  readonly matchesAll: boolean;
  /** Whether the filter asks for relations to an event, for which a caller has to look them up first. */
  readonly needsRelations: boolean;
  readonly matchesType: (type: string) => boolean;
  readonly matchesRoom: (roomId: string) => boolean;
  readonly matches: (event: FilteredEvent, relations?: Iterable<IncomingRelation>) => boolean;
}

/** A whole filter, as it is stored and as `/sync` takes it. */
export interface Filter {
  readonly eventFormat: 'client' | 'federation';
  /** An event with those of its fields that the client wants; the event itself if it wants all. */
  readonly project: (event: JsonObject) => JsonObject;
  readonly projectsAll: boolean;
  readonly presence: EventFilter;
  readonly accountData: EventFilter;
  readonly room: RoomFilter;
}

export interface RoomFilter {
  readonly includeLeave: boolean;
  /** Comes before the filters of the lists. */
  readonly matchesRoom: (roomId: string) => boolean;
  readonly state: EventFilter;
  readonly timeline: EventFilter;
  readonly ephemeral: EventFilter;
  readonly accountData: EventFilter;
}

/** Longest list in a filter. A list is searched by hash, but wildcards are tried in turn. */
const MAX_LIST = 10_000;
const MAX_WILDCARDS = 100;

/**
 * Compiles a whole filter. Absent parts let everything pass; an empty `types`, `senders` or `rooms` nothing.
 *
 * @throws MatrixError M_BAD_JSON for a part of the wrong shape.
 */
export function compileFilter(filter: JsonValue | undefined): Filter {
  const fields = readObject(filter, 'filter');
  const format = fields['event_format'] ?? 'client';
  if (format !== 'client' && format !== 'federation') throw bad('event_format', '"client" or "federation"');
  const eventFields = readList(fields['event_fields'], 'event_fields');
  const room = readObject(fields['room'], 'room');
  return {
    eventFormat: format,
    project: eventFields === undefined ? (event) => event : projectFields(eventFields),
    projectsAll: eventFields === undefined,
    presence: compileEventFilter(fields['presence']),
    accountData: compileEventFilter(fields['account_data']),
    room: {
      includeLeave: readBoolean(room, 'include_leave') ?? false,
      matchesRoom: compileLists(room, 'rooms', '!', exactly).matches,
      state: compileEventFilter(room['state']),
      timeline: compileEventFilter(room['timeline']),
      ephemeral: compileEventFilter(room['ephemeral']),
      accountData: compileEventFilter(room['account_data']),
    },
  };
}

/**
 * Compiles the filter of one list (specification: EventFilter, RoomEventFilter), also what `/messages`, `/context`
 * and `/search` take. `related_by_senders` and `related_by_rel_types` (MSC3440) are there because clients use them.
 *
 * @throws MatrixError M_BAD_JSON
 */
export function compileEventFilter(filter: JsonValue | undefined): EventFilter {
  const fields = readObject(filter, 'filter');
  const types = compileLists(fields, 'types', '', wildcards);
  const senders = compileLists(fields, 'senders', '@', exactly);
  const rooms = compileLists(fields, 'rooms', '!', exactly);
  const containsUrl = readBoolean(fields, 'contains_url');
  const relTypes = readSet(fields, 'related_by_rel_types');
  const relSenders = readSet(fields, 'related_by_senders');
  const needsRelations = relTypes !== undefined || relSenders !== undefined;
  const isRelated = (relations: Iterable<IncomingRelation>) => {
    for (const { relType, sender } of relations) {
      if ((relTypes?.has(relType) ?? true) && (relSenders?.has(sender) ?? true)) return true;
    }
    return false;
  };
  return {
    limit: readLimit(fields['limit']),
    lazyLoadMembers: readBoolean(fields, 'lazy_load_members') ?? false,
    includeRedundantMembers: readBoolean(fields, 'include_redundant_members') ?? false,
    unreadThreadNotifications: readBoolean(fields, 'unread_thread_notifications') ?? false,
    matchesNothing: types.none || senders.none || rooms.none,
    matchesAll: types.all && senders.all && rooms.all && containsUrl === undefined && !needsRelations,
    needsRelations,
    matchesType: types.matches,
    matchesRoom: rooms.matches,
    matches: (event, relations = []) =>
      types.matches(event.type) &&
      // An event without a sender or room is in no list, neither of the wanted nor of the unwanted.
      (event.sender === undefined ? !senders.required : senders.matches(event.sender)) &&
      (event.room_id === undefined ? !rooms.required : rooms.matches(event.room_id)) &&
      (containsUrl === undefined || Object.hasOwn(event.content, 'url') === containsUrl) &&
      (!needsRelations || isRelated(relations)),
  };
}

interface Lists {
  readonly matches: TextMatcher;
  /** Whether there is a list of what is wanted. */
  readonly required: boolean;
  readonly none: boolean;
  readonly all: boolean;
}

/** The lists `name` and `not_name` together; what is in both is excluded. */
function compileLists(
  fields: JsonObject,
  name: string,
  sigil: string,
  compile: (list: readonly string[]) => TextMatcher,
): Lists {
  const wanted = readList(fields[name], name);
  const unwanted = readList(fields[`not_${name}`], `not_${name}`) ?? [];
  for (const each of [...(wanted ?? []), ...unwanted]) {
    if (!each.startsWith(sigil)) throw bad(name, `a list of IDs that start with "${sigil}"`);
  }
  const isWanted = wanted === undefined ? () => true : compile(wanted);
  const isUnwanted = compile(unwanted);
  const excluded = new Set(unwanted);
  return {
    matches: (text) => isWanted(text) && !isUnwanted(text),
    required: wanted !== undefined,
    none:
      (wanted?.every((each) => excluded.has(each)) ?? false) || (compile === wildcards && excluded.has('*')),
    all: wanted === undefined && unwanted.length === 0,
  };
}

function exactly(list: readonly string[]): TextMatcher {
  const set = new Set(list);
  return (text) => set.has(text);
}

/** Here only `*` is a wildcard; a `?` is a question mark. */
function wildcards(list: readonly string[]): TextMatcher {
  const has = exactly(list.filter((each) => !each.includes('*')));
  const globs = list
    .filter((each) => each.includes('*'))
    .map((each) => compileGlob(each, { wildcards: '*' }));
  if (globs.length > MAX_WILDCARDS) throw bad('types', `a list with ${MAX_WILDCARDS} wildcards at most`);
  return (text) => has(text) || globs.some((matches) => matches(text));
}

function readObject(value: JsonValue | undefined, name: string): JsonObject {
  if (value === undefined) return {};
  if (!isJsonObject(value)) throw bad(name, 'an object');
  return value;
}

function readBoolean(fields: JsonObject, name: string): boolean | undefined {
  const value = fields[name];
  if (value !== undefined && typeof value !== 'boolean') throw bad(name, 'true or false');
  return value;
}

function readLimit(value: JsonValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw bad('limit', 'a positive integer');
  return value;
}

function readList(value: JsonValue | undefined, name: string): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list = Array.isArray(value) ? (value as readonly JsonValue[]) : undefined;
  if (list === undefined || !list.every((each) => typeof each === 'string'))
    throw bad(name, 'a list of texts');
  if (list.length > MAX_LIST) throw bad(name, `a list of ${MAX_LIST} entries at most`);
  return list;
}

function readSet(fields: JsonObject, name: string): ReadonlySet<string> | undefined {
  const list = readList(fields[name], name);
  return list && new Set(list);
}

function bad(name: string, expected: string): MatrixError {
  return new MatrixError('M_BAD_JSON', `"${name}" has to be ${expected}.`);
}
