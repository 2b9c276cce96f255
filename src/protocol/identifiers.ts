import { isWellFormed } from './json.js';
import type { RoomVersion } from './room-versions.js';
import { isServerName } from './server-names.js';

export { isServerName, parseServerName, type ServerName } from './server-names.js';

/** The limit of user IDs, room IDs, aliases, event IDs, event types and state keys, in bytes of UTF-8. */
export const MAX_IDENTIFIER_BYTES = 255;

/** The two parts of `&localpart:server`. */
export interface Identifier {
  readonly localpart: string;
  readonly serverName: string;
}

const CURRENT_LOCALPART = /^[a-z0-9._=\-/+]+$/;
const COMPLIANT_LOCALPART = /^[\x21-\x7e]+$/;
const OPAQUE = /^[0-9A-Za-z\-._~]{1,255}$/;
const NAMESPACED = /^[a-z][a-z0-9\-_.]{0,254}$/;
const HASH = /^[A-Za-z0-9+/]{43}$/;
const URL_SAFE_HASH = /^[A-Za-z0-9\-_]{43}$/;
const KEY_VERSION = /^[a-zA-Z0-9_]+$/;
const MEDIA_ID = /^[A-Za-z0-9_-]+$/;

/** Whether the text takes at most `limit` bytes as UTF-8. Texts that are short in any case are not measured. */
export function fitsBytes(text: string, limit: number = MAX_IDENTIFIER_BYTES): boolean {
  return text.length * 3 <= limit || (text.length <= limit && Buffer.byteLength(text, 'utf8') <= limit);
}

/**
 * What stands between the sigil and the first colon, or all after the sigil where there is no colon. The
 * identifier is not checked.
 */
export function localpart(id: string): string {
  const colon = id.indexOf(':');
  return colon === -1 ? id.slice(1) : id.slice(1, colon);
}

/**
 * What follows the first colon: the server name of a user ID, an alias, or of a room or event ID that has one;
 * `undefined` without a colon. The identifier is not checked.
 */
export function serverName(id: string): string | undefined {
  const colon = id.indexOf(':');
  return colon === -1 ? undefined : id.slice(colon + 1);
}

/**
 * Parses a user ID of any age (specification: Appendices, User Identifiers and Historical User IDs): the localpart
 * may be empty and have any character but `:` and NUL. Events and requests of other servers are held to this.
 */
export function parseUserId(text: string): Identifier | undefined {
  return parseIdentifier('@', text);
}

/** `parseUserId` as a question. */
export function isUserId(text: string): boolean {
  return parseUserId(text) !== undefined;
}

/**
 * Whether a user ID may be shown to clients outside an event: its localpart is not empty and printable ASCII
 * (Appendices, Historical User IDs).
 */
export function isCompliantUserId(text: string): boolean {
  const parts = parseUserId(text);
  return parts !== undefined && COMPLIANT_LOCALPART.test(parts.localpart);
}

/** Whether a user ID is one that may be given to a new account (Appendices, User Identifiers). */
export function isCurrentUserId(text: string): boolean {
  const parts = parseUserId(text);
  return parts !== undefined && CURRENT_LOCALPART.test(parts.localpart);
}

/**
 * The user ID for a new account: the localpart in lower case must fit the current grammar and the whole the limit
 * of 255 bytes. `undefined` means M_INVALID_USERNAME.
 */
export function newUserId(name: string, server: string): string | undefined {
  const id = `@${name.toLowerCase()}:${server}`;
  // Lower-casing turns some characters outside ASCII into ASCII (the Kelvin sign into k): two names, one user.
  return COMPLIANT_LOCALPART.test(name) && isCurrentUserId(id) ? id : undefined;
}

/**
 * The specification's suggested mapping of any name to a localpart (Appendices, Mapping from other character sets):
 * lower case, everything else that is not allowed, and `=`, as `=` and the hexadecimal value of its UTF-8 bytes.
 */
export function localpartFrom(name: string): string {
  let mapped = '';
  for (const byte of Buffer.from(name, 'utf8')) {
    const char = String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
    mapped += char !== '=' && CURRENT_LOCALPART.test(char) ? char : `=${byte.toString(16).padStart(2, '0')}`;
  }
  return mapped;
}

/** Whether the text is a room ID, of the given room version or of any (Appendices, Room IDs). */
export function isRoomId(text: string, version?: RoomVersion): boolean {
  const byHash = text.startsWith('!') && URL_SAFE_HASH.test(text.slice(1));
  const byDomain = parseIdentifier('!', text) !== undefined;
  if (version === undefined) return byHash || byDomain;
  return version.roomIds === 'create_event' ? byHash : byDomain;
}

/** Parses a room alias (Appendices, Room Aliases). */
export function parseRoomAlias(text: string): Identifier | undefined {
  return parseIdentifier('#', text);
}

export function isRoomAlias(text: string): boolean {
  return parseRoomAlias(text) !== undefined;
}

/**
 * Whether the text is an event ID, of the given room version or of any: `$opaque:server` in versions 1 and 2, the
 * hash in Base64 in version 3, in URL-safe Base64 after it (Room Versions, Event IDs).
 */
export function isEventId(text: string, version?: RoomVersion): boolean {
  if (!text.startsWith('$')) return false;
  const rest = text.slice(1);
  switch (version?.eventIds) {
    case 'pdu':
      return parseIdentifier('$', text) !== undefined;
    case 'base64':
      return HASH.test(rest);
    case 'base64url':
      return URL_SAFE_HASH.test(rest);
    default:
      return HASH.test(rest) || URL_SAFE_HASH.test(rest) || parseIdentifier('$', text) !== undefined;
  }
}

/** Opaque Identifier Grammar (Appendices, Opaque Identifiers): 1 to 255 of `0-9A-Za-z-._~`. */
export function isOpaqueId(text: string): boolean {
  return OPAQUE.test(text);
}

/** Common Namespaced Identifier Grammar (Appendices): 1 to 255 of `a-z0-9-_.`, beginning with a letter. */
export function isNamespacedId(text: string): boolean {
  return NAMESPACED.test(text);
}

/**
 * Whether a client may call its device so. The specification sets no grammar; we ask for 1 to 255 bytes of text
 * without control characters, as device IDs travel in key IDs, paths and logs.
 */
export function isDeviceId(text: string): boolean {
  return text.length > 0 && fitsBytes(text) && isWellFormed(text) && !/\p{Cc}/u.test(text);
}

/** A key ID `algorithm:version`, such as `ed25519:a_1` or `signed_curve25519:AAAAHQ`. */
export interface KeyId {
  readonly algorithm: string;
  readonly version: string;
}

/** Parses a key ID at its first colon: the algorithm is a word, what follows is not empty (a device ID, say). */
export function parseKeyId(text: string): KeyId | undefined {
  const colon = text.indexOf(':');
  if (colon <= 0 || colon === text.length - 1 || !fitsBytes(text) || !isWellFormed(text)) return undefined;
  const algorithm = text.slice(0, colon);
  return NAMESPACED.test(algorithm) ? { algorithm, version: text.slice(colon + 1) } : undefined;
}

/** Whether the text is the key ID of a server: `ed25519:` and a version of `a-zA-Z0-9_` (Server-Server API). */
export function isServerKeyId(text: string): boolean {
  const id = parseKeyId(text);
  return id?.algorithm === 'ed25519' && KEY_VERSION.test(id.version);
}

/** The parts of `mxc://server/media`. */
export interface MxcUri {
  readonly serverName: string;
  readonly mediaId: string;
}

/** Parses a content URI (Client-Server API, Content repository); the media ID has only `A-Za-z0-9_-`. */
export function parseMxcUri(text: string): MxcUri | undefined {
  if (!text.startsWith('mxc://') || !fitsBytes(text, 1024)) return undefined;
  const slash = text.indexOf('/', 6);
  if (slash === -1) return undefined;
  const server = text.slice(6, slash);
  const mediaId = text.slice(slash + 1);
  return isServerName(server) && MEDIA_ID.test(mediaId) ? { serverName: server, mediaId } : undefined;
}

/** `&localpart:server` in at most 255 bytes; the localpart holds neither colon nor NUL nor lone surrogates. */
function parseIdentifier(sigil: string, text: string): Identifier | undefined {
  if (!text.startsWith(sigil) || !fitsBytes(text)) return undefined;
  const colon = text.indexOf(':');
  if (colon === -1) return undefined;
  const parts = { localpart: text.slice(1, colon), serverName: text.slice(colon + 1) };
  if (parts.localpart.includes('\0') || !isWellFormed(parts.localpart)) return undefined;
  return isServerName(parts.serverName) ? parts : undefined;
}
