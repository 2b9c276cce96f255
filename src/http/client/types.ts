// Generated from schemas/client by `node scripts/generate-http-types.mjs`. Do not edit.
import type { JsonObject, JsonValue } from '../../protocol/json.js';

/**
 * Hashing costs more the longer it is, so its length has a bound.
 */
export type Password = string;
/**
 * A user ID; historical ones have other characters.
 */
export type UserId = string;
/**
 * The type of an event, of account data or of a message.
 */
export type EventType = string;
/**
 * A room ID; from room version 12 on without a server name.
 */
export type RoomId = string;
export type EventId = string;
/**
 * A filter ID, or a filter as JSON text.
 */
export type FilterText = string;
export type StateKey = string;
/**
 * A short name that clients or servers make up: transaction, device, filter, rule, tag, profile field.
 */
export type Name = string;
export type RoomAlias = string;
/**
 * A place in a stream, as this server gave it to the client.
 */
export type Token = string;
export type ServerName = string;
export type RoomIdOrAlias = string;

/**
 * GET /account/whoami
 */
export interface GetTokenOwner {}
/**
 * POST /account/password
 */
export interface ChangePassword {
  readonly body: {
    readonly new_password?: Password;
    readonly logout_devices?: boolean;
    readonly auth?: Auth;
  };
}
/**
 * User-interactive authentication data; the rest depends on `type`.
 */
export interface Auth {
  readonly type?: string;
  readonly session?: string;
  readonly [k: string]: JsonValue | undefined | string;
}
/**
 * POST /account/deactivate
 */
export interface DeactivateAccount {
  readonly body: {
    readonly id_server?: string;
    readonly erase?: boolean;
    readonly auth?: Auth;
  };
}
/**
 * GET /account/3pid
 */
export interface GetAccount3PIDs {}
/**
 * GET /user/{userId}/account_data/{type}
 */
export interface GetAccountData {
  readonly params: {
    readonly userId: UserId;
    readonly type: EventType;
  };
}
/**
 * PUT /user/{userId}/account_data/{type}
 */
export interface SetAccountData {
  readonly params: {
    readonly userId: UserId;
    readonly type: EventType;
  };
  readonly body: JsonObject;
}
/**
 * GET /user/{userId}/rooms/{roomId}/account_data/{type}
 */
export interface GetAccountDataPerRoom {
  readonly params: {
    readonly userId: UserId;
    readonly roomId: RoomId;
    readonly type: EventType;
  };
}
/**
 * PUT /user/{userId}/rooms/{roomId}/account_data/{type}
 */
export interface SetAccountDataPerRoom {
  readonly params: {
    readonly userId: UserId;
    readonly roomId: RoomId;
    readonly type: EventType;
  };
  readonly body: JsonObject;
}
/**
 * GET /capabilities
 */
export interface GetCapabilities {}
/**
 * GET /rooms/{roomId}/context/{eventId}
 */
export interface GetEventContext {
  readonly params: {
    readonly roomId: RoomId;
    readonly eventId: EventId;
  };
  readonly query: {
    readonly limit: number;
    readonly filter?: FilterText;
  };
}
/**
 * POST /createRoom
 */
export interface CreateRoom {
  readonly body: {
    readonly visibility?: 'public' | 'private';
    readonly room_alias_name?: string;
    readonly name?: string;
    readonly topic?: string;
    /**
     * @maxItems 1000
     */
    readonly invite?: readonly UserId[];
    /**
     * @maxItems 100
     */
    readonly invite_3pid?: readonly {
      readonly id_server: string;
      readonly id_access_token: string;
      readonly medium: string;
      readonly address: string;
    }[];
    readonly room_version?: string;
    readonly creation_content?: JsonObject;
    /**
     * @maxItems 1000
     */
    readonly initial_state?: readonly {
      readonly type: EventType;
      readonly state_key?: StateKey;
      readonly content: JsonObject;
    }[];
    readonly preset?: 'private_chat' | 'public_chat' | 'trusted_private_chat';
    readonly is_direct?: boolean;
    readonly power_level_content_override?: JsonObject;
  };
}
/**
 * GET /devices
 */
export interface GetDevices {}
/**
 * GET /devices/{deviceId}
 */
export interface GetDevice {
  readonly params: {
    readonly deviceId: Name;
  };
}
/**
 * PUT /devices/{deviceId}
 */
export interface UpdateDevice {
  readonly params: {
    readonly deviceId: Name;
  };
  readonly body: {
    readonly display_name?: string | null;
  };
}
/**
 * DELETE /devices/{deviceId}
 */
export interface DeleteDevice {
  readonly params: {
    readonly deviceId: Name;
  };
  readonly body: {
    readonly auth?: Auth;
  };
}
/**
 * POST /delete_devices
 */
export interface DeleteDevices {
  readonly body: {
    /**
     * @maxItems 10000
     */
    readonly devices?: readonly Name[];
    readonly auth?: Auth;
  };
}
/**
 * GET /directory/room/{roomAlias}
 */
export interface GetRoomIdByAlias {
  readonly params: {
    readonly roomAlias: RoomAlias;
  };
}
/**
 * PUT /directory/room/{roomAlias}
 */
export interface SetRoomAlias {
  readonly params: {
    readonly roomAlias: RoomAlias;
  };
  readonly body: {
    readonly room_id: RoomId;
  };
}
/**
 * DELETE /directory/room/{roomAlias}
 */
export interface DeleteRoomAlias {
  readonly params: {
    readonly roomAlias: RoomAlias;
  };
}
/**
 * GET /rooms/{roomId}/aliases
 */
export interface GetLocalAliases {
  readonly params: {
    readonly roomId: RoomId;
  };
}
/**
 * GET /directory/list/room/{roomId}
 */
export interface GetRoomVisibilityOnDirectory {
  readonly params: {
    readonly roomId: RoomId;
  };
}
/**
 * PUT /directory/list/room/{roomId}
 */
export interface SetRoomVisibilityOnDirectory {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly body: {
    readonly visibility?: 'private' | 'public';
  };
}
/**
 * GET /publicRooms
 */
export interface GetPublicRooms {
  readonly query: {
    readonly limit?: number;
    readonly since?: Token;
    readonly server?: ServerName;
  };
}
/**
 * POST /publicRooms
 */
export interface QueryPublicRooms {
  readonly query: {
    readonly server?: ServerName;
  };
  readonly body: {
    readonly limit?: number;
    readonly since?: Token;
    readonly filter?: {
      readonly generic_search_term?: string | null;
      /**
       * @maxItems 100
       */
      readonly room_types?: readonly (string | null)[];
    };
    readonly include_all_networks?: boolean;
    readonly third_party_instance_id?: string | null;
  };
}
/**
 * GET /rooms/{roomId}/event/{eventId}
 */
export interface GetOneRoomEvent {
  readonly params: {
    readonly roomId: RoomId;
    readonly eventId: EventId;
  };
  readonly query: {
    readonly 'fi.mau.msc2815.include_unredacted_content': boolean;
  };
}
/**
 * GET /rooms/{roomId}/timestamp_to_event
 */
export interface GetEventByTimestamp {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly query: {
    readonly ts: number;
    readonly dir: 'f' | 'b';
  };
}
/**
 * POST /user/{userId}/filter
 */
export interface DefineFilter {
  readonly params: {
    readonly userId: UserId;
  };
  readonly body: Filter;
}
export interface Filter {
  readonly event_fields?: readonly string[];
  readonly event_format?: 'client' | 'federation';
  readonly presence?: EventFilter;
  readonly account_data?: EventFilter;
  readonly room?: RoomFilter;
}
export interface EventFilter {
  readonly limit?: number;
  readonly not_senders?: readonly UserId[];
  readonly not_types?: readonly string[];
  readonly senders?: readonly UserId[];
  readonly types?: readonly string[];
}
export interface RoomFilter {
  readonly not_rooms?: readonly RoomId[];
  readonly rooms?: readonly RoomId[];
  readonly include_leave?: boolean;
  readonly ephemeral?: RoomEventFilter;
  readonly state?: RoomEventFilter;
  readonly timeline?: RoomEventFilter;
  readonly account_data?: RoomEventFilter;
}
export interface RoomEventFilter {
  readonly limit?: number;
  readonly not_senders?: readonly UserId[];
  readonly not_types?: readonly string[];
  readonly senders?: readonly UserId[];
  readonly types?: readonly string[];
  readonly unread_thread_notifications?: boolean;
  readonly lazy_load_members?: boolean;
  readonly include_redundant_members?: boolean;
  readonly not_rooms?: readonly RoomId[];
  readonly rooms?: readonly RoomId[];
  readonly contains_url?: boolean;
}
/**
 * GET /user/{userId}/filter/{filterId}
 */
export interface GetFilter {
  readonly params: {
    readonly userId: UserId;
    readonly filterId: Name;
  };
}
/**
 * A filter given as JSON text in a query string, checked by itself
 */
export interface InlineFilter {
  readonly body: Filter;
}
/**
 * GET /login
 */
export interface GetLoginFlows {}
/**
 * POST /login. `user`, `medium` and `address` are what `identifier` replaced; old clients send them.
 */
export interface Login {
  readonly body: {
    readonly type: string;
    readonly identifier?: {
      readonly type: string;
      readonly user?: string;
      readonly medium?: string;
      readonly address?: string;
      readonly country?: string;
      readonly phone?: string;
    };
    readonly user?: string;
    readonly medium?: string;
    readonly address?: string;
    readonly password?: Password;
    readonly token?: string;
    readonly device_id?: string | null;
    readonly initial_device_display_name?: string | null;
    readonly refresh_token?: boolean;
  };
}
/**
 * POST /refresh
 */
export interface Refresh {
  readonly body: {
    readonly refresh_token: string;
  };
}
/**
 * POST /logout
 */
export interface Logout {}
/**
 * POST /logout/all
 */
export interface LogoutAll {}
/**
 * GET /rooms/{roomId}/members
 */
export interface GetMembersByRoom {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly query: {
    readonly at?: Token;
    readonly membership?: 'join' | 'invite' | 'knock' | 'leave' | 'ban';
    readonly not_membership?: 'join' | 'invite' | 'knock' | 'leave' | 'ban';
  };
}
/**
 * GET /rooms/{roomId}/joined_members
 */
export interface GetJoinedMembersByRoom {
  readonly params: {
    readonly roomId: RoomId;
  };
}
/**
 * POST /join/{roomIdOrAlias}. `server_name` is the older name of `via`.
 */
export interface JoinRoom {
  readonly params: {
    readonly roomIdOrAlias: RoomIdOrAlias;
  };
  readonly query: {
    readonly via?: readonly ServerName[];
    readonly server_name?: readonly ServerName[];
  };
  readonly body: {
    readonly third_party_signed?: {
      readonly sender: UserId;
      readonly mxid: UserId;
      readonly token: string;
      readonly signatures: {
        readonly [k: string]: {
          readonly [k: string]: string;
        };
      };
    };
    readonly reason?: string;
  };
}
/**
 * POST /rooms/{roomId}/join
 */
export interface JoinRoomById {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly body: {
    readonly third_party_signed?: {
      readonly sender: UserId;
      readonly mxid: UserId;
      readonly token: string;
      readonly signatures: {
        readonly [k: string]: {
          readonly [k: string]: string;
        };
      };
    };
    readonly reason?: string;
  };
}
/**
 * POST /knock/{roomIdOrAlias}. `server_name` is the older name of `via`.
 */
export interface KnockRoom {
  readonly params: {
    readonly roomIdOrAlias: RoomIdOrAlias;
  };
  readonly query: {
    readonly via?: readonly ServerName[];
    readonly server_name?: readonly ServerName[];
  };
  readonly body: {
    readonly reason?: string;
  };
}
/**
 * POST /rooms/{roomId}/invite: a user, or somebody known by a third-party identifier
 */
export interface InviteUser {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly body: {
    readonly user_id?: UserId;
    readonly reason?: string;
    readonly id_server?: string;
    readonly id_access_token?: string;
    readonly medium?: string;
    readonly address?: string;
  };
}
/**
 * POST /rooms/{roomId}/leave
 */
export interface LeaveRoom {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly body: {
    readonly reason?: string;
  };
}
/**
 * POST /rooms/{roomId}/kick
 */
export interface Kick {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly body: {
    readonly user_id: UserId;
    readonly reason?: string;
  };
}
/**
 * POST /rooms/{roomId}/ban
 */
export interface Ban {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly body: {
    readonly user_id: UserId;
    readonly reason?: string;
  };
}
/**
 * POST /rooms/{roomId}/unban
 */
export interface Unban {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly body: {
    readonly user_id: UserId;
    readonly reason?: string;
  };
}
/**
 * POST /rooms/{roomId}/forget
 */
export interface ForgetRoom {
  readonly params: {
    readonly roomId: RoomId;
  };
}
/**
 * GET /joined_rooms
 */
export interface GetJoinedRooms {}
/**
 * GET /rooms/{roomId}/messages
 */
export interface GetRoomEvents {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly query: {
    readonly from?: Token;
    readonly to?: Token;
    readonly dir: 'b' | 'f';
    readonly limit: number;
    readonly filter?: FilterText;
  };
}
/**
 * GET /metrics, in Prometheus' text format
 */
export interface GetMetrics {}
/**
 * GET /health
 */
export interface GetHealth {}
/**
 * GET /notifications
 */
export interface GetNotifications {
  readonly query: {
    readonly from?: Token;
    readonly limit: number;
    /**
     * highlight: only what is highlighted. Anything else is of no effect.
     */
    readonly only?: string;
  };
}
/**
 * GET /events. With `room_id` it is a look into that room (`peekEvents`). `limit` is in the specification no more.
 */
export interface GetEvents {
  readonly query: {
    readonly from?: Token;
    readonly timeout: number;
    readonly room_id?: RoomId;
    readonly limit: number;
  };
}
/**
 * GET /events/{eventId}
 */
export interface GetOneEvent {
  readonly params: {
    readonly eventId: EventId;
  };
}
/**
 * GET /initialSync
 */
export interface InitialSync {
  readonly query: {
    readonly limit: number;
    readonly archived: boolean;
  };
}
/**
 * GET /rooms/{roomId}/initialSync. `limit` is in the specification no more.
 */
export interface RoomInitialSync {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly query: {
    readonly limit: number;
  };
}
/**
 * POST /peek/{roomIdOrAlias}
 */
export interface PeekRoom {
  readonly params: {
    readonly roomIdOrAlias: RoomIdOrAlias;
  };
}
/**
 * POST /rooms/{roomId}/unpeek
 */
export interface UnpeekRoom {
  readonly params: {
    readonly roomId: RoomId;
  };
}
/**
 * GET /presence/{userId}/status
 */
export interface GetPresence {
  readonly params: {
    readonly userId: UserId;
  };
}
/**
 * PUT /presence/{userId}/status
 */
export interface SetPresence {
  readonly params: {
    readonly userId: UserId;
  };
  readonly body: {
    readonly presence: 'online' | 'offline' | 'unavailable';
    readonly status_msg?: string | null;
  };
}
/**
 * GET /profile/{userId}
 */
export interface GetUserProfile {
  readonly params: {
    readonly userId: UserId;
  };
}
/**
 * GET /profile/{userId}/{keyName}
 */
export interface GetProfileField {
  readonly params: {
    readonly userId: UserId;
    readonly keyName: Name;
  };
}
/**
 * PUT /profile/{userId}/{keyName}
 */
export interface SetProfileField {
  readonly params: {
    readonly userId: UserId;
    readonly keyName: Name;
  };
  readonly body: JsonObject;
}
/**
 * DELETE /profile/{userId}/{keyName}
 */
export interface DeleteProfileField {
  readonly params: {
    readonly userId: UserId;
    readonly keyName: Name;
  };
}
/**
 * GET /pushrules/
 */
export interface GetPushRules {}
/**
 * GET /pushrules/global/
 */
export interface GetPushRulesGlobal {}
/**
 * GET /pushrules/global/{kind}/: as older specifications had it
 */
export interface GetPushRulesOfKind {
  readonly params: {
    readonly kind: 'override' | 'underride' | 'sender' | 'room' | 'content';
  };
}
/**
 * Whatever else is below /pushrules/
 */
export interface UnknownPushRules {}
/**
 * GET /pushrules/global/{kind}/{ruleId}
 */
export interface GetPushRule {
  readonly params: {
    readonly kind: 'override' | 'underride' | 'sender' | 'room' | 'content';
    readonly ruleId: Name;
  };
}
/**
 * PUT /pushrules/global/{kind}/{ruleId}
 */
export interface SetPushRule {
  readonly params: {
    readonly kind: 'override' | 'underride' | 'sender' | 'room' | 'content';
    readonly ruleId: Name;
  };
  readonly query: {
    readonly before?: Name;
    readonly after?: Name;
  };
  readonly body: {
    /**
     * @maxItems 100
     */
    readonly actions: readonly (string | JsonObject)[];
    /**
     * @maxItems 100
     */
    readonly conditions?: readonly {
      readonly kind: string;
      readonly key?: string;
      readonly pattern?: string;
      readonly is?: string;
      readonly value?: string | number | boolean | null;
      readonly [k: string]: JsonValue | undefined | string | number | boolean | null;
    }[];
    readonly pattern?: string;
  };
}
/**
 * DELETE /pushrules/global/{kind}/{ruleId}
 */
export interface DeletePushRule {
  readonly params: {
    readonly kind: 'override' | 'underride' | 'sender' | 'room' | 'content';
    readonly ruleId: Name;
  };
}
/**
 * GET /pushrules/global/{kind}/{ruleId}/actions
 */
export interface GetPushRuleActions {
  readonly params: {
    readonly kind: 'override' | 'underride' | 'sender' | 'room' | 'content';
    readonly ruleId: Name;
  };
}
/**
 * PUT /pushrules/global/{kind}/{ruleId}/actions
 */
export interface SetPushRuleActions {
  readonly params: {
    readonly kind: 'override' | 'underride' | 'sender' | 'room' | 'content';
    readonly ruleId: Name;
  };
  readonly body: {
    /**
     * @maxItems 100
     */
    readonly actions: readonly (string | JsonObject)[];
  };
}
/**
 * GET /pushrules/global/{kind}/{ruleId}/enabled
 */
export interface IsPushRuleEnabled {
  readonly params: {
    readonly kind: 'override' | 'underride' | 'sender' | 'room' | 'content';
    readonly ruleId: Name;
  };
}
/**
 * PUT /pushrules/global/{kind}/{ruleId}/enabled
 */
export interface SetPushRuleEnabled {
  readonly params: {
    readonly kind: 'override' | 'underride' | 'sender' | 'room' | 'content';
    readonly ruleId: Name;
  };
  readonly body: {
    readonly enabled: boolean;
  };
}
/**
 * GET /pushers
 */
export interface GetPushers {}
/**
 * POST /pushers/set. `kind` null deletes the pusher; else the rest is required.
 */
export interface PostPusher {
  readonly body: {
    readonly pushkey: string;
    readonly kind: string | null;
    readonly app_id: string;
    readonly app_display_name?: string;
    readonly device_display_name?: string;
    readonly profile_tag?: string;
    readonly lang?: string;
    readonly data?: JsonObject;
    readonly append?: boolean;
  };
}
/**
 * POST /rooms/{roomId}/read_markers
 */
export interface SetReadMarker {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly body: {
    readonly 'm.fully_read'?: EventId;
    readonly 'm.read'?: EventId;
    readonly 'm.read.private'?: EventId;
  };
}
/**
 * POST /rooms/{roomId}/receipt/{receiptType}/{eventId}
 */
export interface PostReceipt {
  readonly params: {
    readonly roomId: RoomId;
    readonly receiptType: 'm.read' | 'm.read.private' | 'm.fully_read';
    readonly eventId: EventId;
  };
  readonly body: {
    readonly thread_id?: string;
  };
}
/**
 * PUT /rooms/{roomId}/redact/{eventId}/{txnId}
 */
export interface RedactEvent {
  readonly params: {
    readonly roomId: RoomId;
    readonly eventId: EventId;
    readonly txnId: Name;
  };
  readonly body: {
    readonly reason?: string;
  };
}
/**
 * POST /register. Which user names are allowed is said by the command, with M_INVALID_USERNAME.
 */
export interface Register {
  readonly query: {
    readonly kind: 'guest' | 'user';
  };
  readonly body: {
    readonly auth?: Auth;
    readonly username?: string;
    readonly password?: Password;
    readonly inhibit_login?: boolean;
    readonly device_id?: string | null;
    readonly initial_device_display_name?: string | null;
    readonly refresh_token?: boolean;
    readonly guest_access_token?: string;
  };
}
/**
 * GET /register/available
 */
export interface CheckUsernameAvailability {
  readonly query: {
    readonly username: string;
  };
}
/**
 * GET /register/m.login.registration_token/validity
 */
export interface RegistrationTokenValidity {
  readonly query: {
    readonly token: string;
  };
}
/**
 * GET /_synapse/admin/v1/register: a nonce for registration with the shared secret
 */
export interface GetRegistrationNonce {}
/**
 * POST /_synapse/admin/v1/register: what tools know from Synapse (Synapse documentation: Shared-Secret Registration)
 */
export interface RegisterWithSharedSecret {
  readonly body: {
    readonly nonce: string;
    readonly username: string;
    readonly password: Password;
    readonly displayname?: string;
    readonly admin?: boolean;
    readonly user_type?: string | null;
    readonly mac: string;
  };
}
/**
 * GET /rooms/{roomId}/relations/{eventId}
 */
export interface GetRelatingEvents {
  readonly params: {
    readonly roomId: RoomId;
    readonly eventId: EventId;
  };
  readonly query: {
    readonly from?: Token;
    readonly to?: Token;
    readonly limit?: number;
    readonly dir: 'b' | 'f';
    readonly recurse: boolean;
  };
}
/**
 * GET /rooms/{roomId}/relations/{eventId}/{relType}
 */
export interface GetRelatingEventsWithRelType {
  readonly params: {
    readonly roomId: RoomId;
    readonly eventId: EventId;
    readonly relType: Name;
  };
  readonly query: {
    readonly from?: Token;
    readonly to?: Token;
    readonly limit?: number;
    readonly dir: 'b' | 'f';
    readonly recurse: boolean;
  };
}
/**
 * GET /rooms/{roomId}/relations/{eventId}/{relType}/{eventType}
 */
export interface GetRelatingEventsWithRelTypeAndEventType {
  readonly params: {
    readonly roomId: RoomId;
    readonly eventId: EventId;
    readonly relType: Name;
    readonly eventType: EventType;
  };
  readonly query: {
    readonly from?: Token;
    readonly to?: Token;
    readonly limit?: number;
    readonly dir: 'b' | 'f';
    readonly recurse: boolean;
  };
}
/**
 * PUT /rooms/{roomId}/send/{eventType}/{txnId}. `ts` is for application services.
 */
export interface SendMessage {
  readonly params: {
    readonly roomId: RoomId;
    readonly eventType: EventType;
    readonly txnId: Name;
  };
  readonly query: {
    readonly ts?: number;
  };
  readonly body: JsonObject;
}
/**
 * POST /rooms/{roomId}/send/{eventType}: as clients sent before there were transaction IDs
 */
export interface SendMessageOnce {
  readonly params: {
    readonly roomId: RoomId;
    readonly eventType: EventType;
  };
  readonly body: JsonObject;
}
/**
 * GET /rooms/{roomId}/state
 */
export interface GetRoomState {
  readonly params: {
    readonly roomId: RoomId;
  };
}
/**
 * GET /rooms/{roomId}/state/{eventType}/{stateKey}
 */
export interface GetRoomStateWithKey {
  readonly params: {
    readonly roomId: RoomId;
    readonly eventType: EventType;
    readonly stateKey: string;
  };
  readonly query: {
    readonly format: 'content' | 'event';
  };
}
/**
 * PUT /rooms/{roomId}/state/{eventType}/{stateKey}. `ts` is for application services.
 */
export interface SetRoomStateWithKey {
  readonly params: {
    readonly roomId: RoomId;
    readonly eventType: EventType;
    readonly stateKey: string;
  };
  readonly query: {
    readonly ts?: number;
  };
  readonly body: JsonObject;
}
/**
 * GET /room_summary/{roomIdOrAlias}
 */
export interface GetRoomSummary {
  readonly params: {
    readonly roomIdOrAlias: RoomIdOrAlias;
  };
  readonly query: {
    readonly via?: readonly ServerName[];
  };
}
/**
 * POST /rooms/{roomId}/upgrade
 */
export interface UpgradeRoom {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly body: {
    readonly new_version: string;
    /**
     * @maxItems 1000
     */
    readonly additional_creators?: readonly UserId[];
  };
}
/**
 * PUT /sendToDevice/{eventType}/{txnId}. `messages` is by user ID, then by device ID; the device `*` stands for all that a user has.
 */
export interface SendToDevice {
  readonly params: {
    readonly eventType: EventType;
    readonly txnId: Name;
  };
  readonly body: {
    readonly messages: {
      readonly [k: string]: {
        readonly [k: string]: JsonObject;
      };
    };
  };
}
/**
 * GET /sync. `filter` is an ID or JSON text. `org.matrix.msc4222.use_state_after` is the name that clients used before it was in the specification.
 */
export interface Sync {
  readonly query: {
    readonly filter?: FilterText;
    readonly since?: Token;
    readonly full_state: boolean;
    readonly set_presence: 'offline' | 'online' | 'unavailable';
    readonly timeout: number;
    readonly use_state_after?: boolean;
    readonly 'org.matrix.msc4222.use_state_after'?: boolean;
  };
}
/**
 * GET /user/{userId}/rooms/{roomId}/tags
 */
export interface GetRoomTags {
  readonly params: {
    readonly userId: UserId;
    readonly roomId: RoomId;
  };
}
/**
 * PUT /user/{userId}/rooms/{roomId}/tags/{tag}
 */
export interface SetRoomTag {
  readonly params: {
    readonly userId: UserId;
    readonly roomId: RoomId;
    readonly tag: Name;
  };
  readonly body: {
    readonly order?: number;
    readonly [k: string]: JsonValue | undefined | number;
  };
}
/**
 * DELETE /user/{userId}/rooms/{roomId}/tags/{tag}
 */
export interface DeleteRoomTag {
  readonly params: {
    readonly userId: UserId;
    readonly roomId: RoomId;
    readonly tag: Name;
  };
}
/**
 * GET /rooms/{roomId}/threads
 */
export interface GetThreadRoots {
  readonly params: {
    readonly roomId: RoomId;
  };
  readonly query: {
    readonly include: 'all' | 'participated';
    readonly limit: number;
    readonly from?: Token;
  };
}
/**
 * GET /voip/turnServer
 */
export interface GetTurnServer {}
/**
 * PUT /rooms/{roomId}/typing/{userId}
 */
export interface SetTyping {
  readonly params: {
    readonly roomId: RoomId;
    readonly userId: UserId;
  };
  readonly body: {
    readonly typing: boolean;
    readonly timeout?: number;
  };
}
/**
 * POST /user_directory/search
 */
export interface SearchUserDirectory {
  readonly body: {
    readonly search_term: string;
    readonly limit?: number;
  };
}
/**
 * GET /auth/{authType}/fallback/web
 */
export interface GetAuthFallback {
  readonly params: {
    readonly authType: Name;
  };
  readonly query: {
    readonly session: string;
  };
}
/**
 * POST /auth/{authType}/fallback/web: what the page sends
 */
export interface PostAuthFallback {
  readonly params: {
    readonly authType: Name;
  };
  readonly body: {
    readonly session: string;
    readonly token?: string;
    readonly user?: string;
    readonly password?: Password;
  };
}
/**
 * GET /_matrix/client/versions
 */
export interface GetVersions {}
/**
 * GET /.well-known/matrix/client
 */
export interface GetWellknown {}
/**
 * GET /.well-known/matrix/support
 */
export interface GetWellknownSupport {}
/**
 * GET /.well-known/matrix/server (Server-Server API, Resolving server names)
 */
export interface GetWellknownServer {}
