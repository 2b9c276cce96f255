import { decodeBase64, decodeBase64Url } from './base64.js';
import { canonicalJsonBytes } from './canonical-json.js';
import type { RoomEvent } from './events.js';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { VerifyKey } from './keys.js';
import { JsonError } from './strict-json.js';

/**
 * How many different keys and how many signatures are tried. Real invitations have two keys and one signature;
 * an event made to hurt has room for half a million pairs, half a minute of work.
 */
const MAX_KEYS = 16;
const MAX_SIGNATURES = 16;

/**
 * The public keys of an m.room.third_party_invite: `public_key` and those of `public_keys`, each once, 16 at
 * most; what is no key is left out (specification: Client-Server API, m.room.third_party_invite, which allows
 * both alphabets of Base64).
 */
export function inviteKeys(invite: RoomEvent): VerifyKey[] {
  const { public_key: single, public_keys: list } = invite.content;
  const entries = isJsonArray(list)
    ? list.map((entry) => (isJsonObject(entry) ? entry['public_key'] : null))
    : [];
  const texts = new Set([single, ...entries].map(toStandardAlphabet).filter((text) => text !== undefined));
  return [...texts]
    .slice(0, MAX_KEYS)
    .map((text) => VerifyKey.from(text))
    .filter((key) => key !== undefined);
}

/**
 * Whether any signature in the `signed` part of a membership event matches any key of the m.room.third_party_invite
 * that it takes up (Room Versions, Authorisation rules: `third_party_invite`). The keys come from the room, so it
 * does not matter in which server's name they signed. Malformed keys and signatures match nothing.
 *
 * Cost: some 70 microseconds for each key, and again for each pair that has to be tried; 256 pairs at most.
 */
export function signedWithInviteKey(signed: JsonObject, invite: RoomEvent): boolean {
  const signatures = ed25519Signatures(signed['signatures']);
  const message = signatures.length === 0 ? undefined : signedBytes(signed);
  if (message === undefined) return false;
  const keys = inviteKeys(invite);
  return signatures.some((signature) => keys.some((key) => key.verify(message, signature)));
}

function ed25519Signatures(signatures: JsonValue | undefined): Uint8Array[] {
  if (!isJsonObject(signatures)) return [];
  const found: Uint8Array[] = [];
  for (const byServer of Object.values(signatures)) {
    if (!isJsonObject(byServer)) continue;
    for (const [keyId, text] of Object.entries(byServer)) {
      const ours = keyId.startsWith('ed25519:') && typeof text === 'string';
      const signature = ours ? (decodeBase64(text) ?? decodeBase64Url(text)) : undefined;
      if (signature?.length !== 64) continue;
      found.push(signature);
      if (found.length === MAX_SIGNATURES) return found;
    }
  }
  return found;
}

/** What was signed: canonical JSON without `signatures` and `unsigned` (Appendices, Signing JSON). */
function signedBytes(signed: JsonObject): Uint8Array | undefined {
  const { signatures, unsigned, ...covered } = signed;
  try {
    return canonicalJsonBytes(covered, { lenient: true });
  } catch (error) {
    if (error instanceof JsonError) return undefined; // no canonical form, so nobody can have signed it
    throw error;
  }
}

function toStandardAlphabet(text: JsonValue | undefined): string | undefined {
  return typeof text === 'string' ? text.replaceAll('-', '+').replaceAll('_', '/') : undefined;
}
