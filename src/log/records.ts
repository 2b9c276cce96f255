// Generated from schemas/records by `npm run generate`. Do not edit.

/**
 * Account data, tags and push rules among them, was set, for the account or for a room.
 */
export interface AccountDataChangedV1 {
  /**
   * The room, or null for the account.
   */
  readonly room_id: string | null;
  /**
   * The type of account data.
   */
  readonly type: string;
  /**
   * The new content. Sealed.
   */
  readonly content?: {
    readonly [k: string]: unknown;
  };
}

/**
 * Sealed content is to be forgotten: whoever has its keys destroys them, and read models show it as redacted from here on.
 */
export interface ContentForgottenV1 {
  /**
   * A redaction of some time ago, or an account that was closed with erasure.
   */
  readonly cause: 'redacted' | 'erased';
  /**
   * Only for an erasure: whose account.
   */
  readonly user_id?: string;
  /**
   * Where it is sealed.
   *
   * @minItems 1
   * @maxItems 1000
   */
  readonly places: readonly {
    /**
     * The stream.
     */
    readonly stream: string;
    /**
     * The first revision.
     */
    readonly from: number;
    /**
     * The last revision.
     */
    readonly to: number;
    /**
     * Only where it is one of the records that a commit brought in at revision `from`: which.
     */
    readonly index?: number;
  }[];
  /**
   * The events whose content that was.
   *
   * @maxItems 1000
   */
  readonly events: readonly {
    /**
     * The room.
     */
    readonly room_id: string;
    /**
     * The room's version, whose rules say what is left of the event.
     */
    readonly room_version: string;
    /**
     * The event ID.
     */
    readonly event_id: string;
  }[];
}

/**
 * A cursor has acted on everything up to a position. Only the last record of its stream counts.
 */
export interface CursorMovedV1 {
  /**
   * The position in the log.
   */
  readonly position: number;
}

/**
 * Devices were signed out: their tokens are void.
 */
export interface DeviceDeletedV1 {
  /**
   * The devices.
   *
   * @minItems 1
   *
   * Items: A device ID.
   */
  readonly device_ids: readonly string[];
}

/**
 * A device got another display name.
 */
export interface DeviceRenamedV1 {
  /**
   * The device ID.
   */
  readonly device_id: string;
  /**
   * The new name. Sealed.
   */
  readonly display_name?: string | null;
}

/**
 * A device was given an access token: a new device, or a known one signing in again, which voids its earlier tokens.
 */
export interface DeviceSignedInV1 {
  /**
   * The device ID.
   */
  readonly device_id: string;
  /**
   * What the client calls the device. Sealed.
   */
  readonly display_name?: string;
  /**
   * The access token. Unpadded base64url of its SHA-256.
   */
  readonly access_token_hash: string;
  /**
   * Milliseconds since the epoch; absent: it does not expire.
   */
  readonly access_token_expires_at?: number;
  /**
   * The refresh token, if one was asked for. Unpadded base64url of its SHA-256.
   */
  readonly refresh_token_hash?: string;
}

/**
 * A refresh token was traded for new tokens.
 */
export interface DeviceTokensRefreshedV1 {
  /**
   * The device ID.
   */
  readonly device_id: string;
  /**
   * The refresh token that was handed in. Unpadded base64url of its SHA-256.
   */
  readonly used_refresh_token_hash: string;
  /**
   * The access token. Unpadded base64url of its SHA-256.
   */
  readonly access_token_hash: string;
  /**
   * Milliseconds since the epoch; absent: it does not expire.
   */
  readonly access_token_expires_at?: number;
  /**
   * The refresh token, if one was asked for. Unpadded base64url of its SHA-256.
   */
  readonly refresh_token_hash: string;
}

/**
 * A request was made with an access token that a refresh token had been traded for: its answer has arrived, so the refresh token is not to be traded again.
 */
export interface DeviceTokensUsedV1 {
  /**
   * The device ID.
   */
  readonly device_id: string;
  /**
   * The access token. Unpadded base64url of its SHA-256.
   */
  readonly access_token_hash: string;
}

/**
 * A sync filter was stored.
 */
export interface FilterCreatedV1 {
  /**
   * The ID by which it is used.
   */
  readonly filter_id: string;
  /**
   * The filter.
   */
  readonly filter: {
    readonly [k: string]: unknown;
  };
}

/**
 * Staged records take effect here, all at once, in order.
 */
export interface LogCommittedV1 {
  /**
   * The stream that holds the pages.
   */
  readonly staging_stream: string;
  /**
   * The number of pages.
   */
  readonly pages: number;
  /**
   * The number of records.
   */
  readonly records: number;
  /**
   * Of the pages: SHA-256 over the SHA-256 of each page's data (unpadded base64url, joined by commas). Unpadded base64url.
   */
  readonly digest: string;
}

/**
 * A page of staged records, without meaning until a commit names it.
 */
export interface LogPageV1 {
  /**
   * The staged records, in order, sealed one by one.
   *
   * Items: A staged record as it would stand alone: id, type, data, metadata (with the version).
   */
  readonly records: readonly {
    readonly [k: string]: unknown;
  }[];
}

/**
 * Holds the place of a record that a copy of the log could not take over, so that those after it keep their revisions.
 */
export interface LogPlaceholderV1 {
  /**
   * Whether the record was gone by its stream's retention; else it was damaged or missing.
   */
  readonly retired: boolean;
}

/**
 * How somebody is there: told between processes, and of no value soon after.
 */
export interface PresenceChangedV1 {
  /**
   * Who.
   */
  readonly user_id: string;
  /**
   * How they are there.
   */
  readonly state: 'online' | 'unavailable' | 'offline';
  /**
   * Whether they did something just now.
   */
  readonly currently_active: boolean;
  /**
   * When they last did something, milliseconds since the epoch.
   */
  readonly last_active_at?: number;
  /**
   * What they say of themselves. Sealed.
   */
  readonly status_message?: string;
}

/**
 * Fields of the profile were set or removed.
 */
export interface ProfileChangedV1 {
  /**
   * The new values by field name; null removes one. Sealed.
   */
  readonly fields?: {
    readonly [k: string]: unknown;
  };
}

/**
 * A pusher was removed by its user.
 */
export interface PusherDeletedV1 {
  /**
   * The application.
   */
  readonly app_id: string;
  /**
   * Names the pusher within the application.
   */
  readonly pushkey: string;
}

/**
 * A device set up, or changed, a pusher: where its user is to be told of events.
 */
export interface PusherSetV1 {
  /**
   * The device: with it the pusher goes.
   */
  readonly device_id: string;
  /**
   * The application.
   */
  readonly app_id: string;
  /**
   * Names the pusher within the application.
   */
  readonly pushkey: string;
  /**
   * Whether pushers of other users with the same application and key stay.
   */
  readonly append: boolean;
  /**
   * What else the client says of it: kind, names, language, data. Sealed.
   */
  readonly pusher?: {
    readonly [k: string]: unknown;
  };
}

/**
 * A receipt or the fully-read marker moved to an event.
 */
export interface ReceiptPostedV1 {
  /**
   * The room.
   */
  readonly room_id: string;
  /**
   * The event read up to.
   */
  readonly event_id: string;
  /**
   * The kind.
   */
  readonly receipt_type: 'm.read' | 'm.read.private' | 'm.fully_read';
  /**
   * The thread, `main`, or null for an unthreaded receipt.
   */
  readonly thread_id: string | null;
  /**
   * The position of that event in the log, or null where it is not known.
   */
  readonly event_position: number | null;
  /**
   * When it was read, milliseconds since the epoch.
   */
  readonly ts: number;
}

/**
 * A registration token was made. Its stream is named after its hash.
 */
export interface RegistrationTokenCreatedV1 {
  /**
   * The token. Unpadded base64url of its SHA-256.
   */
  readonly token_hash: string;
  /**
   * How many registrations it allows; null: any number.
   */
  readonly uses_allowed: number | null;
  /**
   * Milliseconds since the epoch; null: never.
   */
  readonly expires_at: number | null;
}

/**
 * A use was given back, since the registration came to nothing.
 */
export interface RegistrationTokenReleasedV1 {
  /**
   * The user ID.
   */
  readonly user_id: string;
}

/**
 * A registration token was spent on a user name.
 */
export interface RegistrationTokenUsedV1 {
  /**
   * The user ID.
   */
  readonly user_id: string;
}

/**
 * A room alias was taken.
 */
export interface RoomAliasCreatedV1 {
  /**
   * The alias.
   */
  readonly alias: string;
  /**
   * The room that it names.
   */
  readonly room_id: string;
  /**
   * The user who made it.
   */
  readonly by: string;
}

/**
 * A room alias was given up.
 */
export interface RoomAliasDeletedV1 {
  /**
   * The alias.
   */
  readonly alias: string;
  /**
   * The room that it named.
   */
  readonly room_id: string;
  /**
   * The user who deleted it.
   */
  readonly by: string;
}

/**
 * An event became part of the room: it passed every check, and clients see it.
 */
export interface RoomEventAcceptedV1 {
  /**
   * The event ID.
   */
  readonly event_id: string;
  /**
   * The room's version, so that a record can be read alone.
   */
  readonly room_version: string;
  /**
   * The event in its redacted form (PDU with hashes and signatures): what stays when content is forgotten.
   */
  readonly event: {
    readonly [k: string]: unknown;
  };
  /**
   * What redaction would remove: the top-level fields of the event that differ from `event`. Sealed; absent where nothing differs, or when forgotten.
   */
  readonly forgettable?: {
    readonly [k: string]: unknown;
  };
  /**
   * Root of the state before the event, at its place in the event graph.
   */
  readonly state_before: string;
  /**
   * Root of the state after the event; the same for anything but an accepted state event.
   */
  readonly state_after: string;
  /**
   * Only where state_before had to be resolved from several previous events: how it follows from the state after the first of them.
   */
  readonly resolution?: {
    /**
     * Root of the state after the first previous event.
     */
    readonly base: string;
    /**
     * What resolution changed, relative to the base.
     */
    readonly delta: readonly {
      /**
       * The event type.
       */
      readonly type: string;
      /**
       * The state key.
       */
      readonly state_key: string;
      /**
       * The event now at this key, or null where the key went away.
       */
      readonly event_id: string | null;
      /**
       * The event that was there before, or null.
       */
      readonly replaces: string | null;
    }[];
  };
  /**
   * Only where the room's current state changed: the new root, and the difference from the one before.
   */
  readonly current?: {
    /**
     * Root of the current state from here on.
     */
    readonly root: string;
    /**
     * What changed in the current state.
     */
    readonly delta: readonly {
      /**
       * The event type.
       */
      readonly type: string;
      /**
       * The state key.
       */
      readonly state_key: string;
      /**
       * The event now at this key, or null where the key went away.
       */
      readonly event_id: string | null;
      /**
       * The event that was there before, or null.
       */
      readonly replaces: string | null;
    }[];
  };
  /**
   * The forward extremities of the room from here on.
   *
   * Items: An event ID.
   */
  readonly extremities: readonly string[];
  /**
   * Only for m.room.redaction: its target, and whether the sender may redact it (false also while the target is unknown).
   */
  readonly redaction?: {
    /**
     * The event ID to be redacted.
     */
    readonly target: string;
    /**
     * Whether the redaction takes effect.
     */
    readonly applied: boolean;
  };
  /**
   * Only for an event sent by a client of ours: what makes the send idempotent.
   */
  readonly transaction?: {
    /**
     * The sending device.
     */
    readonly device_id: string;
    /**
     * The client's transaction ID.
     */
    readonly transaction_id: string;
  };
}

/**
 * An event known without its place in the graph, such as an auth event of another, or an invite to a room that we are not in.
 */
export interface RoomEventOutlierV1 {
  /**
   * The event ID.
   */
  readonly event_id: string;
  /**
   * The room's version, so that a record can be read alone.
   */
  readonly room_version: string;
  /**
   * The event in its redacted form (PDU with hashes and signatures): what stays when content is forgotten.
   */
  readonly event: {
    readonly [k: string]: unknown;
  };
  /**
   * What redaction would remove: the top-level fields of the event that differ from `event`. Sealed; absent where nothing differs, or when forgotten.
   */
  readonly forgettable?: {
    readonly [k: string]: unknown;
  };
  /**
   * Only where its own auth events refuse it.
   */
  readonly rejected?: {
    /**
     * The number of the authorization rule, in the room version's list, or the name of the check, that refused the event.
     */
    readonly rule: string;
    /**
     * The same as a sentence.
     */
    readonly reason: string;
  };
}

/**
 * An event fails the authorization rules: kept so that what builds on it can be judged, never part of a state.
 */
export interface RoomEventRejectedV1 {
  /**
   * The event ID.
   */
  readonly event_id: string;
  /**
   * The room's version, so that a record can be read alone.
   */
  readonly room_version: string;
  /**
   * The event in its redacted form (PDU with hashes and signatures): what stays when content is forgotten.
   */
  readonly event: {
    readonly [k: string]: unknown;
  };
  /**
   * What redaction would remove: the top-level fields of the event that differ from `event`. Sealed; absent where nothing differs, or when forgotten.
   */
  readonly forgettable?: {
    readonly [k: string]: unknown;
  };
  /**
   * Root of the state before the event, at its place in the event graph.
   */
  readonly state_before: string;
  /**
   * Root of the state after the event; the same for anything but an accepted state event.
   */
  readonly state_after: string;
  /**
   * Only where state_before had to be resolved from several previous events: how it follows from the state after the first of them.
   */
  readonly resolution?: {
    /**
     * Root of the state after the first previous event.
     */
    readonly base: string;
    /**
     * What resolution changed, relative to the base.
     */
    readonly delta: readonly {
      /**
       * The event type.
       */
      readonly type: string;
      /**
       * The state key.
       */
      readonly state_key: string;
      /**
       * The event now at this key, or null where the key went away.
       */
      readonly event_id: string | null;
      /**
       * The event that was there before, or null.
       */
      readonly replaces: string | null;
    }[];
  };
  /**
   * The number of the authorization rule, in the room version's list, or the name of the check, that refused the event.
   */
  readonly rule: string;
  /**
   * The same as a sentence.
   */
  readonly reason: string;
}

/**
 * An event is valid at its place in the graph, but not allowed by the current state: kept for the graph, not shown to clients (Server-Server API, Soft failure).
 */
export interface RoomEventSoftFailedV1 {
  /**
   * The event ID.
   */
  readonly event_id: string;
  /**
   * The room's version, so that a record can be read alone.
   */
  readonly room_version: string;
  /**
   * The event in its redacted form (PDU with hashes and signatures): what stays when content is forgotten.
   */
  readonly event: {
    readonly [k: string]: unknown;
  };
  /**
   * What redaction would remove: the top-level fields of the event that differ from `event`. Sealed; absent where nothing differs, or when forgotten.
   */
  readonly forgettable?: {
    readonly [k: string]: unknown;
  };
  /**
   * Root of the state before the event, at its place in the event graph.
   */
  readonly state_before: string;
  /**
   * Root of the state after the event; the same for anything but an accepted state event.
   */
  readonly state_after: string;
  /**
   * Only where state_before had to be resolved from several previous events: how it follows from the state after the first of them.
   */
  readonly resolution?: {
    /**
     * Root of the state after the first previous event.
     */
    readonly base: string;
    /**
     * What resolution changed, relative to the base.
     */
    readonly delta: readonly {
      /**
       * The event type.
       */
      readonly type: string;
      /**
       * The state key.
       */
      readonly state_key: string;
      /**
       * The event now at this key, or null where the key went away.
       */
      readonly event_id: string | null;
      /**
       * The event that was there before, or null.
       */
      readonly replaces: string | null;
    }[];
  };
  /**
   * The number of the authorization rule, in the room version's list, or the name of the check, that refused the event.
   */
  readonly rule: string;
  /**
   * The same as a sentence.
   */
  readonly reason: string;
}

/**
 * The user forgot a room that they had left.
 */
export interface RoomForgottenV1 {
  /**
   * The room.
   */
  readonly room_id: string;
}

/**
 * A device began to look into a room that its user is not in.
 */
export interface RoomPeekedV1 {
  /**
   * The device.
   */
  readonly device_id: string;
  /**
   * The room.
   */
  readonly room_id: string;
}

/**
 * Devices look into a room no more: they have asked for that, or their user has joined it.
 */
export interface RoomUnpeekedV1 {
  /**
   * The devices.
   */
  readonly device_ids: readonly string[];
  /**
   * The room.
   */
  readonly room_id: string;
}

/**
 * The room was listed in, or taken from, the public room directory.
 */
export interface RoomVisibilityChangedV1 {
  /**
   * Whether the directory lists the room.
   */
  readonly visibility: 'public' | 'private';
  /**
   * The user who asked for it.
   */
  readonly by: string;
}

/**
 * The first record of a log: whose it is.
 */
export interface ServerInitialisedV1 {
  /**
   * The server name.
   */
  readonly server_name: string;
}

/**
 * The server signs with this key from here on, and content is sealed with the key that opens the proof.
 */
export interface ServerKeyAdoptedV1 {
  /**
   * The signing key's ID, `ed25519:<version>`.
   */
  readonly key_id: string;
  /**
   * The signing key's public half, in unpadded Base64.
   */
  readonly public_key: string;
  /**
   * Any text: a process that cannot open it has another seal key. Sealed.
   */
  readonly proof?: string;
}

/**
 * From here on the log may hold records of these types and versions. A program that does not know all of them must not use the log: it would leave facts out.
 */
export interface ServerUpgradedV1 {
  /**
   * Type and version of each, such as server.initialised.v1.
   */
  readonly records: readonly string[];
}

/**
 * A device has the messages of this stream up to one of them, or is there no more: they are not kept for it any longer.
 */
export interface ToDeviceAcknowledgedV1 {
  /**
   * The device.
   */
  readonly device_id: string;
  /**
   * The revision, in this stream, of the last message that it needs no more.
   */
  readonly revision: number;
}

/**
 * A message was sent directly to devices of a user. It is in the user's own stream, once for all of the devices.
 */
export interface ToDeviceSentV1 {
  /**
   * Who sent it.
   */
  readonly sender: string;
  /**
   * The device that it was sent by.
   */
  readonly sender_device: string;
  /**
   * The sending device's name for the request.
   */
  readonly transaction_id: string;
  /**
   * The type of the message.
   */
  readonly type: string;
  /**
   * The devices, each with the place of its content among the contents.
   */
  readonly recipients: readonly {
    readonly device_id: string;
    readonly content: number;
  }[];
  /**
   * The contents. Sealed.
   */
  readonly contents?: readonly {
    readonly [k: string]: unknown;
  }[];
}

/**
 * Somebody began or stopped typing: told between processes, and of no value soon after.
 */
export interface TypingChangedV1 {
  /**
   * The room.
   */
  readonly room_id: string;
  /**
   * Who types.
   */
  readonly user_id: string;
  /**
   * Whether they do.
   */
  readonly typing: boolean;
}

/**
 * The account was closed for good.
 */
export interface UserDeactivatedV1 {
  /**
   * Whether its content is to be forgotten too.
   */
  readonly erase: boolean;
}

/**
 * The password was changed.
 */
export interface UserPasswordChangedV1 {
  /**
   * argon2id in its encoded form.
   */
  readonly password_hash: string;
}

/**
 * An account was made.
 */
export interface UserRegisteredV1 {
  /**
   * The user ID.
   */
  readonly user_id: string;
  /**
   * A full account or a guest.
   */
  readonly kind: 'user' | 'guest';
  /**
   * argon2id in its encoded form; absent where there is no password.
   */
  readonly password_hash?: string;
  /**
   * Whether the account administers this server.
   */
  readonly admin: boolean;
  /**
   * What entitled to register.
   */
  readonly method: 'open' | 'token' | 'shared_secret' | 'operator' | 'guest';
}

/**
 * A guest made a full account of theirs, under the same user ID.
 */
export interface UserUpgradedV1 {
  /**
   * argon2id in its encoded form; absent where there is no password.
   */
  readonly password_hash?: string;
  /**
   * What entitled to register.
   */
  readonly method: 'open' | 'token';
}

/** What a record says: its type, the version of its schema, and data. The newest version of each type. */
export type RecordBody =
  | { readonly type: 'account_data.changed'; readonly version: 1; readonly data: AccountDataChangedV1 }
  | { readonly type: 'content.forgotten'; readonly version: 1; readonly data: ContentForgottenV1 }
  | { readonly type: 'cursor.moved'; readonly version: 1; readonly data: CursorMovedV1 }
  | { readonly type: 'device.deleted'; readonly version: 1; readonly data: DeviceDeletedV1 }
  | { readonly type: 'device.renamed'; readonly version: 1; readonly data: DeviceRenamedV1 }
  | { readonly type: 'device.signed_in'; readonly version: 1; readonly data: DeviceSignedInV1 }
  | { readonly type: 'device.tokens.refreshed'; readonly version: 1; readonly data: DeviceTokensRefreshedV1 }
  | { readonly type: 'device.tokens.used'; readonly version: 1; readonly data: DeviceTokensUsedV1 }
  | { readonly type: 'filter.created'; readonly version: 1; readonly data: FilterCreatedV1 }
  | { readonly type: 'presence.changed'; readonly version: 1; readonly data: PresenceChangedV1 }
  | { readonly type: 'profile.changed'; readonly version: 1; readonly data: ProfileChangedV1 }
  | { readonly type: 'pusher.deleted'; readonly version: 1; readonly data: PusherDeletedV1 }
  | { readonly type: 'pusher.set'; readonly version: 1; readonly data: PusherSetV1 }
  | { readonly type: 'receipt.posted'; readonly version: 1; readonly data: ReceiptPostedV1 }
  | { readonly type: 'registration_token.created'; readonly version: 1; readonly data: RegistrationTokenCreatedV1 }
  | { readonly type: 'registration_token.released'; readonly version: 1; readonly data: RegistrationTokenReleasedV1 }
  | { readonly type: 'registration_token.used'; readonly version: 1; readonly data: RegistrationTokenUsedV1 }
  | { readonly type: 'room.alias.created'; readonly version: 1; readonly data: RoomAliasCreatedV1 }
  | { readonly type: 'room.alias.deleted'; readonly version: 1; readonly data: RoomAliasDeletedV1 }
  | { readonly type: 'room.event.accepted'; readonly version: 1; readonly data: RoomEventAcceptedV1 }
  | { readonly type: 'room.event.outlier'; readonly version: 1; readonly data: RoomEventOutlierV1 }
  | { readonly type: 'room.event.rejected'; readonly version: 1; readonly data: RoomEventRejectedV1 }
  | { readonly type: 'room.event.soft_failed'; readonly version: 1; readonly data: RoomEventSoftFailedV1 }
  | { readonly type: 'room.forgotten'; readonly version: 1; readonly data: RoomForgottenV1 }
  | { readonly type: 'room.peeked'; readonly version: 1; readonly data: RoomPeekedV1 }
  | { readonly type: 'room.unpeeked'; readonly version: 1; readonly data: RoomUnpeekedV1 }
  | { readonly type: 'room.visibility.changed'; readonly version: 1; readonly data: RoomVisibilityChangedV1 }
  | { readonly type: 'server.initialised'; readonly version: 1; readonly data: ServerInitialisedV1 }
  | { readonly type: 'server.key.adopted'; readonly version: 1; readonly data: ServerKeyAdoptedV1 }
  | { readonly type: 'server.upgraded'; readonly version: 1; readonly data: ServerUpgradedV1 }
  | { readonly type: 'to_device.acknowledged'; readonly version: 1; readonly data: ToDeviceAcknowledgedV1 }
  | { readonly type: 'to_device.sent'; readonly version: 1; readonly data: ToDeviceSentV1 }
  | { readonly type: 'typing.changed'; readonly version: 1; readonly data: TypingChangedV1 }
  | { readonly type: 'user.deactivated'; readonly version: 1; readonly data: UserDeactivatedV1 }
  | { readonly type: 'user.password.changed'; readonly version: 1; readonly data: UserPasswordChangedV1 }
  | { readonly type: 'user.registered'; readonly version: 1; readonly data: UserRegisteredV1 }
  | { readonly type: 'user.upgraded'; readonly version: 1; readonly data: UserUpgradedV1 };

export type RecordType = RecordBody['type'];

export type RecordOf<T extends RecordType> = Extract<RecordBody, { readonly type: T }>;

/** The newest version of every type. */
export const RECORD_VERSIONS = {
  'account_data.changed': 1,
  'content.forgotten': 1,
  'cursor.moved': 1,
  'device.deleted': 1,
  'device.renamed': 1,
  'device.signed_in': 1,
  'device.tokens.refreshed': 1,
  'device.tokens.used': 1,
  'filter.created': 1,
  'presence.changed': 1,
  'profile.changed': 1,
  'pusher.deleted': 1,
  'pusher.set': 1,
  'receipt.posted': 1,
  'registration_token.created': 1,
  'registration_token.released': 1,
  'registration_token.used': 1,
  'room.alias.created': 1,
  'room.alias.deleted': 1,
  'room.event.accepted': 1,
  'room.event.outlier': 1,
  'room.event.rejected': 1,
  'room.event.soft_failed': 1,
  'room.forgotten': 1,
  'room.peeked': 1,
  'room.unpeeked': 1,
  'room.visibility.changed': 1,
  'server.initialised': 1,
  'server.key.adopted': 1,
  'server.upgraded': 1,
  'to_device.acknowledged': 1,
  'to_device.sent': 1,
  'typing.changed': 1,
  'user.deactivated': 1,
  'user.password.changed': 1,
  'user.registered': 1,
  'user.upgraded': 1,
} as const satisfies { readonly [T in RecordType]: RecordOf<T>['version'] };

export const RECORD_TYPES: readonly RecordType[] = [
  'account_data.changed',
  'content.forgotten',
  'cursor.moved',
  'device.deleted',
  'device.renamed',
  'device.signed_in',
  'device.tokens.refreshed',
  'device.tokens.used',
  'filter.created',
  'presence.changed',
  'profile.changed',
  'pusher.deleted',
  'pusher.set',
  'receipt.posted',
  'registration_token.created',
  'registration_token.released',
  'registration_token.used',
  'room.alias.created',
  'room.alias.deleted',
  'room.event.accepted',
  'room.event.outlier',
  'room.event.rejected',
  'room.event.soft_failed',
  'room.forgotten',
  'room.peeked',
  'room.unpeeked',
  'room.visibility.changed',
  'server.initialised',
  'server.key.adopted',
  'server.upgraded',
  'to_device.acknowledged',
  'to_device.sent',
  'typing.changed',
  'user.deactivated',
  'user.password.changed',
  'user.registered',
  'user.upgraded',
];

/** The data properties that are sealed, by type and version; those without any are not listed. */
export const SEALED_FIELDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['account_data.changed.v1', ['content']],
  ['device.renamed.v1', ['display_name']],
  ['device.signed_in.v1', ['display_name']],
  ['presence.changed.v1', ['status_message']],
  ['profile.changed.v1', ['fields']],
  ['pusher.set.v1', ['pusher']],
  ['room.event.accepted.v1', ['forgettable']],
  ['room.event.outlier.v1', ['forgettable']],
  ['room.event.rejected.v1', ['forgettable']],
  ['room.event.soft_failed.v1', ['forgettable']],
  ['server.key.adopted.v1', ['proof']],
  ['to_device.sent.v1', ['contents']],
]);
