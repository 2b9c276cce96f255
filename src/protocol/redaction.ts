import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import type { RedactionRules, RoomVersion } from './room-versions.js';

/** Top-level fields that every version keeps, in canonical order so that printing need not sort them. */
const KEPT_FIELDS = [
  'auth_events',
  'content',
  'depth',
  'event_id',
  'hashes',
  'origin_server_ts',
  'prev_events',
  'room_id',
  'sender',
  'signatures',
  'state_key',
  'type',
] as const;

const LEGACY_FIELDS = ['membership', 'origin', 'prev_state'] as const;

const POWER_LEVEL_FIELDS = [
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
] as const;

/**
 * The redacted form of an event in federation format: what signatures and the event ID cover (specification: Room
 * Versions, Redactions). The event itself is left alone; parts that stay whole are shared with it, so a field has
 * lost something exactly if it is no longer the same object. Applied twice it changes nothing more.
 *
 * Cost: a handful of property reads; nothing is copied deeply.
 */
export function redact(pdu: JsonObject, version: RoomVersion): JsonObject {
  const rules = version.redaction;
  const redacted: Record<string, JsonValue> = {};
  keep(redacted, pdu, KEPT_FIELDS);
  if (rules.keepLegacyTopLevel) keep(redacted, pdu, LEGACY_FIELDS);
  if (redacted['content'] !== undefined) redacted['content'] = redactContent(pdu, redacted['content'], rules);
  return redacted;
}

/** An event in two parts: what a redaction leaves, and what may have to be forgotten. */
export interface SplitEvent {
  readonly clear: JsonObject;
  /** The top-level fields, whole, whose value the redacted form has changed or lacks; `undefined` if none. */
  readonly forgettable: JsonObject | undefined;
}

/** Splits an event into its redacted form and the fields that this has lost something of. */
export function splitForgettable(pdu: JsonObject, version: RoomVersion): SplitEvent {
  const clear = redact(pdu, version);
  const lost = Object.entries(pdu).filter(([key, value]) => value !== undefined && !isSame(pdu, clear, key));
  return { clear, forgettable: lost.length === 0 ? undefined : Object.fromEntries(lost) };
}

/** Puts together what `splitForgettable` has split. Without the forgettable part, the event stays redacted. */
export function joinForgettable(clear: JsonObject, forgettable: JsonObject | undefined): JsonObject {
  return forgettable === undefined ? clear : { ...clear, ...forgettable };
}

function keep(to: Record<string, JsonValue>, from: JsonObject, fields: readonly string[]): void {
  for (const field of fields) {
    const value = Object.hasOwn(from, field) ? from[field] : undefined;
    if (value !== undefined) to[field] = value;
  }
}

/** The content after redaction; the same object if it loses nothing. */
function redactContent(pdu: JsonObject, content: JsonValue, rules: RedactionRules): JsonObject {
  if (!isJsonObject(content)) return {};
  const type = pdu['type'];
  if (type === 'm.room.create' && rules.keepCreateContent) return content;
  const kept: Record<string, JsonValue> = {};
  keep(kept, content, keptContentFields(type, rules));
  const invite = content['third_party_invite'];
  if (type === 'm.room.member' && rules.keepThirdPartyInviteSigned && isJsonObject(invite)) {
    // Kept even without `signed`, empty: Synapse does so, and the event ID depends on it.
    const signed: Record<string, JsonValue> = {};
    keep(signed, invite, ['signed']);
    kept['third_party_invite'] = losesNothing(invite, signed) ? invite : signed;
  }
  return losesNothing(content, kept) ? content : kept;
}

function keptContentFields(type: JsonValue | undefined, rules: RedactionRules): readonly string[] {
  switch (type) {
    case 'm.room.member':
      return rules.keepJoinAuthorised ? ['membership', 'join_authorised_via_users_server'] : ['membership'];
    case 'm.room.create':
      return ['creator'];
    case 'm.room.join_rules':
      return rules.keepJoinRulesAllow ? ['join_rule', 'allow'] : ['join_rule'];
    case 'm.room.power_levels':
      return rules.keepPowerLevelsInvite ? [...POWER_LEVEL_FIELDS, 'invite'] : POWER_LEVEL_FIELDS;
    case 'm.room.aliases':
      return rules.keepAliases ? ['aliases'] : [];
    case 'm.room.history_visibility':
      return ['history_visibility'];
    case 'm.room.redaction':
      return rules.redactsIn === 'content' ? ['redacts'] : [];
    default:
      return [];
  }
}

function losesNothing(original: JsonObject, kept: JsonObject): boolean {
  return Object.keys(original).every((key) => original[key] === undefined || isSame(original, kept, key));
}

function isSame(original: JsonObject, kept: JsonObject, key: string): boolean {
  return Object.hasOwn(kept, key) && kept[key] === original[key];
}
