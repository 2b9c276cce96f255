import { createPublicKey, verify } from 'node:crypto';
import { decodeBase64, decodeBase64Url, encodeBase64Url } from './base64.js';
import { canonicalJsonBytes } from './canonical-json.js';
import type { RoomEvent } from './events.js';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json.js';

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/**
 * How many pairs of key and signature are tried. Invitations have one signature and two keys; an event made to
 * hurt has room for half a million pairs, half a minute of work.
 */
const MAX_CHECKS = 256;

/**
 * The public keys of an m.room.third_party_invite: `public_key` and those of `public_keys`, as 32 bytes each,
 * every key once; what is no key is left out (specification: Client-Server API, m.room.third_party_invite, which
 * allows both alphabets of Base64).
 */
export function inviteKeys(invite: RoomEvent): Uint8Array[] {
  const { public_key: first, public_keys: list } = invite.content;
  const entries = isJsonArray(list)
    ? list.map((entry) => (isJsonObject(entry) ? entry['public_key'] : null))
    : [];
  const texts = new Set([first, ...entries]);
  return [...texts].map((text) => decode(text, KEY_BYTES)).filter((key) => key !== undefined);
}

/**
 * Whether any signature in the `signed` part of a membership event matches any key of the m.room.third_party_invite
 * that it takes up (Room Versions, Authorisation rules: `third_party_invite`). The keys come from the room, so it
 * does not matter in which server's name they signed. Malformed keys and signatures match nothing.
 *
 * Cost: some 50 microseconds for each pair that has to be tried, and 256 pairs at most.
 */
export function signedWithInviteKey(signed: JsonObject, invite: RoomEvent): boolean {
  const keys = inviteKeys(invite);
  const signatures = ed25519Signatures(signed['signatures']);
  if (keys.length === 0 || signatures.length === 0) return false;
  const message = signedBytes(signed);
  if (message === undefined) return false;
  let checks = 0;
  for (const signature of signatures) {
    for (const key of keys) {
      checks += 1;
      if (checks > MAX_CHECKS) return false;
      if (verifyEd25519(key, message, signature)) return true;
    }
  }
  return false;
}

function ed25519Signatures(signatures: JsonValue | undefined): Uint8Array[] {
  if (!isJsonObject(signatures)) return [];
  const found: Uint8Array[] = [];
  for (const byServer of Object.values(signatures)) {
    if (!isJsonObject(byServer)) continue;
    for (const [keyId, text] of Object.entries(byServer)) {
      const signature = keyId.startsWith('ed25519:') ? decode(text, SIGNATURE_BYTES) : undefined;
      if (signature !== undefined) found.push(signature);
    }
  }
  return found;
}

/** What was signed: canonical JSON without `signatures` and `unsigned` (Appendices, Signing JSON). */
function signedBytes(signed: JsonObject): Uint8Array | undefined {
  try {
    return canonicalJsonBytes({ ...signed, signatures: undefined, unsigned: undefined }, { lenient: true });
  } catch {
    return undefined; // not expressible, so nobody can have signed it
  }
}

function decode(text: JsonValue | undefined, length: number): Uint8Array | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = decodeBase64(text) ?? decodeBase64Url(text);
  return bytes?.length === length ? bytes : undefined;
}

function verifyEd25519(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64Url(key) };
  return verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), signature);
}
