import { randomFillSync } from 'node:crypto';

/** The port for randomness: identifiers, tokens, keys, nonces. */
export interface Random {
  /** Unpredictable bytes. */
  bytes(length: number): Uint8Array;
}

/** Asking the system costs microseconds, however little is asked for. */
const POOL_BYTES = 8192;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

export const systemRandom: Random = {
  bytes(length) {
    const bytes = Buffer.alloc(length);
    if (length > POOL_BYTES / 8) return randomFillSync(bytes);
    if (used + length > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    pool.copy(bytes, 0, used, used + length);
    // What was given out is a secret of others from now on.
    pool.fill(0, used, used + length);
    used += length;
    return bytes;
  },
};

/** A random UUID (version 4). */
export function uuid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A random integer from 0 up to a power of two that is 2^31 at most. */
export function randomBelow(random: Random, powerOfTwo: number): number {
  return Buffer.from(random.bytes(4)).readUInt32BE() % powerOfTwo;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Random letters, evenly distributed: 5.7 bits each. */
export function letters(random: Random, length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of random.bytes(length)) {
      // 208 is the largest multiple of 52 below 256: above it, letters would not be equally likely.
      if (byte < 208 && text.length < length) text += LETTERS.charAt(byte % 52);
    }
  }
  return text;
}
