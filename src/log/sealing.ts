import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '../runtime/random.js';
import { DamageError } from './codec.js';
import { isObject, type JsonObject } from './json.js';
import { SEALED_FIELDS } from './records.js';
import type { SealKeys, SealPlace } from './seal-keys.js';

/** Where the ciphertext lies in stored data; no schema has a property of this name. */
const SEALED = '$sealed';
/** Why a whole record cannot be read whose sealed fields do not open: its key is another. */
export const WRONG_KEY = 'Its sealed fields do not open with their key.';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What was at a place is forgotten: nothing can be sealed there again. */
export class DestroyedKeyError extends Error {
  constructor({ stream, revision }: SealPlace) {
    super(`The key of ${stream} at ${revision} was destroyed.`);
    this.name = 'DestroyedKeyError';
  }
}

/** What identifies a record besides its place. */
export interface SealedRecord {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly data: JsonObject;
}

/** Data of a record with and without the properties that are sealed; undefined where there are none. */
export function parted({
  type,
  version,
  data,
}: Pick<SealedRecord, 'type' | 'version' | 'data'>):
  { readonly clear: JsonObject; readonly hidden: JsonObject } | undefined {
  const fields = SEALED_FIELDS.get(`${type}.v${version}`);
  if (!fields?.some((field) => Object.hasOwn(data, field))) return undefined;
  const clear: Record<string, unknown> = {};
  const hidden: Record<string, unknown> = {};
  for (const name of Object.keys(data)) (fields.includes(name) ? hidden : clear)[name] = data[name];
  return { clear, hidden };
}

/**
 * Takes the properties that `x-sealed` names out of data and puts one ciphertext in their place: AES-256-GCM
 * (NIST SP 800-38D) under the place's own key, with a random nonce, bound to stream, revision, index, ID and type.
 * Base64 of nonce, ciphertext and tag. Data without such properties is returned as it is.
 *
 * @throws DestroyedKeyError
 */
export function seal(record: SealedRecord, place: SealPlace, keys: SealKeys, random: Random): JsonObject {
  const parts = parted(record);
  if (parts === undefined) return record.data;
  const { clear, hidden } = parts;
  const key = keys.key(place);
  if (key === undefined) throw new DestroyedKeyError(place);
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(binding(record, place));
  const text = JSON.stringify(hidden);
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return { ...clear, [SEALED]: sealed.toString('base64') };
}

/**
 * Puts the sealed properties back, or leaves them out where the key was destroyed.
 *
 * @throws DamageError when the ciphertext does not open with its key
 */
export function unseal(
  record: SealedRecord,
  place: SealPlace,
  keys: SealKeys,
): { readonly data: JsonObject; readonly forgotten: boolean } {
  const { [SEALED]: sealed, ...clear } = record.data;
  if (sealed === undefined) return { data: record.data, forgotten: false };
  if (typeof sealed !== 'string') throw new DamageError('Its sealed fields are not text.');
  const key = keys.key(place);
  if (key === undefined) return { data: clear, forgotten: true };
  return {
    data: { ...clear, ...decipher(Buffer.from(sealed, 'base64'), key, binding(record, place)) },
    forgotten: false,
  };
}

function decipher(bytes: Buffer, key: Uint8Array, bound: Buffer): JsonObject {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(bound);
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    const fields: unknown = JSON.parse(text.toString());
    if (isObject(fields)) return fields;
  } catch {
    // Said below: a wrong key, a changed byte and a cut-off text look alike.
  }
  throw new DamageError(WRONG_KEY);
}

/** Additional authenticated data: a ciphertext moved elsewhere does not open. */
function binding(record: SealedRecord, { stream, revision, index }: SealPlace): Buffer {
  return Buffer.from(
    JSON.stringify([stream, revision, index ?? null, record.id, record.type, record.version]),
  );
}
