import { decodeBase64, encodeBase64 } from './base64.js';
import { canonicalJson, type CanonicalOptions } from './canonical-json.js';
import { signedText } from './hashes.js';
import { isJsonObject, type JsonObject } from './json.js';
import type { SigningKey, VerifyKey } from './keys.js';
import type { RoomVersion } from './room-versions.js';
import { JsonError } from './strict-json.js';

/** The keys known of a server, by key ID (`ed25519:a_1`); only those that may be used for the case in hand. */
export type VerifyKeys = ReadonlyMap<string, VerifyKey>;

/**
 * A copy of the object with a signature added (specification: Appendices, Signing JSON). `signatures` and
 * `unsigned` are not covered; signatures that are there already are kept.
 *
 * @throws {JsonError} if the object has no canonical form
 */
export function signJson(
  object: JsonObject,
  serverName: string,
  key: SigningKey,
  options: CanonicalOptions = {},
): JsonObject {
  return withSignature(object, serverName, key, jsonText(object, options));
}

/**
 * Whether the object is signed by the server (Appendices, Checking for a Signature): at least one signature is
 * under a key ID in `keys`, and all of those are valid. Signatures under other key IDs are ignored.
 *
 * Cost: one canonical print, and some 70 microseconds per known key.
 */
export function verifyJson(
  object: JsonObject,
  serverName: string,
  keys: VerifyKeys,
  options: CanonicalOptions = {},
): boolean {
  return verifyText(object, serverName, keys, () => jsonText(object, options));
}

/**
 * A copy of the event with the server's signature on its redacted form added (Server-Server API, Adding hashes and
 * signatures to outgoing events). `hashes` must be there already, as it is covered.
 *
 * @throws {JsonError} if the event has no canonical form
 */
export function signEvent(
  pdu: JsonObject,
  serverName: string,
  key: SigningKey,
  version: RoomVersion,
): JsonObject {
  return withSignature(pdu, serverName, key, signedText(pdu, version));
}

/**
 * Whether the event's redacted form is signed by the server, under the same terms as `verifyJson` (Server-Server
 * API, Validating hashes and signatures on received events). Which servers must have signed is for the caller.
 */
export function verifyEventSignature(
  pdu: JsonObject,
  serverName: string,
  keys: VerifyKeys,
  version: RoomVersion,
): boolean {
  return verifyText(pdu, serverName, keys, () => signedText(pdu, version));
}

/** The key IDs under which a server has signed; what has to be known to check it. */
export function signatureKeyIds(object: JsonObject, serverName: string): string[] {
  return Object.keys(signaturesOf(object, serverName) ?? {});
}

/** A copy of the object with the key's signature on the text added. */
export function withSignature(
  object: JsonObject,
  serverName: string,
  key: SigningKey,
  text: string,
): JsonObject {
  const signature = encodeBase64(key.sign(Buffer.from(text, 'utf8')));
  const all = object['signatures'];
  const own = signaturesOf(object, serverName);
  // Spread and computed keys define properties, they do not assign: a server named `__proto__` does no harm.
  const signatures = { ...(isJsonObject(all) ? all : {}), [serverName]: { ...own, [key.id]: signature } };
  return { ...object, signatures };
}

function jsonText(object: JsonObject, options: CanonicalOptions): string {
  const { signatures, unsigned, ...covered } = object;
  return canonicalJson(covered, options);
}

function verifyText(object: JsonObject, serverName: string, keys: VerifyKeys, text: () => string): boolean {
  const known = Object.entries(signaturesOf(object, serverName) ?? {}).flatMap(([keyId, signature]) => {
    const key = keys.get(keyId);
    return key === undefined ? [] : [{ key, signature }];
  });
  if (known.length === 0) return false;
  const message = bytesOf(text);
  if (message === undefined) return false;
  return known.every(({ key, signature }) => {
    const bytes = typeof signature === 'string' ? decodeBase64(signature) : undefined;
    return bytes !== undefined && key.verify(message, bytes);
  });
}

function bytesOf(text: () => string): Uint8Array | undefined {
  try {
    return Buffer.from(text(), 'utf8');
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function signaturesOf(object: JsonObject, serverName: string): JsonObject | undefined {
  const all = object['signatures'];
  const own = isJsonObject(all) && Object.hasOwn(all, serverName) ? all[serverName] : undefined;
  return isJsonObject(own) ? own : undefined;
}
