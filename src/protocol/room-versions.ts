/**
 * Room versions as data (specification: Room Versions, v1.19). Each version states only its difference from
 * the one before it. Code asks for a property, never for a version's number.
 */
export interface RoomVersion {
  readonly id: string;
  /** Where event IDs come from: `pdu` = the `event_id` field; else from the reference hash, in this alphabet. */
  readonly eventIds: 'pdu' | 'base64' | 'base64url';
  /** `pairs` = `[event_id, {hash}]` in auth_events and prev_events; `ids` = plain event IDs. */
  readonly eventReferences: 'pairs' | 'ids';
  /** `domain` = `!opaque:server`; `create_event` = `!` and the create event's reference hash. */
  readonly roomIds: 'domain' | 'create_event';
  /** Whether numbers outside canonical JSON (floats, beyond 2^53-1) are refused in events. */
  readonly strictCanonicalJson: boolean;
  /** Whether a signing key must have been valid at `origin_server_ts`. */
  readonly enforceKeyValidity: boolean;
  readonly stateResolution: 'v1' | 'v2' | 'v2.1';
  readonly redaction: RedactionRules;
  readonly auth: AuthRules;
}

export interface RedactionRules {
  /** Versions 1 to 5 keep `aliases` of m.room.aliases. */
  readonly keepAliases: boolean;
  /** From version 8: `allow` of m.room.join_rules. */
  readonly keepJoinRulesAllow: boolean;
  /** From version 9: `join_authorised_via_users_server` of m.room.member. */
  readonly keepJoinAuthorised: boolean;
  /** From version 11: `signed` of `third_party_invite` of m.room.member. */
  readonly keepThirdPartyInviteSigned: boolean;
  /** From version 11: `invite` of m.room.power_levels. */
  readonly keepPowerLevelsInvite: boolean;
  /** From version 11: all content of m.room.create. */
  readonly keepCreateContent: boolean;
  /** Up to version 10: the top-level `origin`, `membership` and `prev_state`. */
  readonly keepLegacyTopLevel: boolean;
  /** Where an m.room.redaction names its target: the top level, or (from version 11) `content`, which is then kept. */
  readonly redactsIn: 'event' | 'content';
}

export interface AuthRules {
  /** Versions 1 to 5 have a rule for m.room.aliases. */
  readonly aliases: boolean;
  /** Versions 1 and 2 authorise redactions by power level or the target's domain when they arrive. */
  readonly redactions: boolean;
  /** From version 6: `notifications` in m.room.power_levels is guarded like `events`. */
  readonly guardNotifications: boolean;
  /** From version 7: the membership and join rule `knock`. */
  readonly knock: boolean;
  /** From version 8: the join rule `restricted`. */
  readonly restricted: boolean;
  /** From version 10: the join rule `knock_restricted`. */
  readonly knockRestricted: boolean;
  /** From version 10: power levels must be integers; before it, strings that read as integers are accepted. */
  readonly integerPowerLevels: boolean;
  /** Up to version 10 m.room.create must name its `creator`; from 11 it is the sender. */
  readonly creatorInContent: boolean;
  /** From version 12: creators outrank every power level, and `additional_creators` exist. */
  readonly privilegedCreators: boolean;
  /** Up to version 11 the create event is among the auth events; from 12 the room ID implies it. */
  readonly createInAuthEvents: boolean;
}

const V1: RoomVersion = {
  id: '1',
  eventIds: 'pdu',
  eventReferences: 'pairs',
  roomIds: 'domain',
  strictCanonicalJson: false,
  enforceKeyValidity: false,
  stateResolution: 'v1',
  redaction: {
    keepAliases: true,
    keepJoinRulesAllow: false,
    keepJoinAuthorised: false,
    keepThirdPartyInviteSigned: false,
    keepPowerLevelsInvite: false,
    keepCreateContent: false,
    keepLegacyTopLevel: true,
    redactsIn: 'event',
  },
  auth: {
    aliases: true,
    redactions: true,
    guardNotifications: false,
    knock: false,
    restricted: false,
    knockRestricted: false,
    integerPowerLevels: false,
    creatorInContent: true,
    privilegedCreators: false,
    createInAuthEvents: true,
  },
};

const V2: RoomVersion = { ...V1, id: '2', stateResolution: 'v2' };
const V3: RoomVersion = {
  ...V2,
  id: '3',
  eventIds: 'base64',
  eventReferences: 'ids',
  auth: { ...V2.auth, redactions: false },
};
const V4: RoomVersion = { ...V3, id: '4', eventIds: 'base64url' };
const V5: RoomVersion = { ...V4, id: '5', enforceKeyValidity: true };
const V6: RoomVersion = {
  ...V5,
  id: '6',
  strictCanonicalJson: true,
  redaction: { ...V5.redaction, keepAliases: false },
  auth: { ...V5.auth, aliases: false, guardNotifications: true },
};
const V7: RoomVersion = { ...V6, id: '7', auth: { ...V6.auth, knock: true } };
const V8: RoomVersion = {
  ...V7,
  id: '8',
  redaction: { ...V7.redaction, keepJoinRulesAllow: true },
  auth: { ...V7.auth, restricted: true },
};
const V9: RoomVersion = { ...V8, id: '9', redaction: { ...V8.redaction, keepJoinAuthorised: true } };
const V10: RoomVersion = {
  ...V9,
  id: '10',
  auth: { ...V9.auth, knockRestricted: true, integerPowerLevels: true },
};
const V11: RoomVersion = {
  ...V10,
  id: '11',
  redaction: {
    ...V10.redaction,
    keepThirdPartyInviteSigned: true,
    keepPowerLevelsInvite: true,
    keepCreateContent: true,
    keepLegacyTopLevel: false,
    redactsIn: 'content',
  },
  auth: { ...V10.auth, creatorInContent: false },
};
const V12: RoomVersion = {
  ...V11,
  id: '12',
  roomIds: 'create_event',
  stateResolution: 'v2.1',
  auth: { ...V11.auth, privilegedCreators: true, createInAuthEvents: false },
};

/** Every room version of the specification, all of them stable, in order. */
export const ROOM_VERSIONS: ReadonlyMap<string, RoomVersion> = new Map(
  [V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12].map((version) => [version.id, version]),
);

/** The room version with this identifier, or `undefined` if it is not one that we know. */
export function roomVersion(id: string): RoomVersion | undefined {
  return ROOM_VERSIONS.get(id);
}
