import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import nacl from 'tweetnacl';
import { decodeBase64, encodeBase64 } from './base64.js';
import { isServerKeyId } from './identifiers.js';

/** DER before the 32 bytes of a seed (PKCS #8) and of a public key (SPKI), RFC 8410. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

const VERSION_LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** The field's prime, 2^255 - 19, and the y coordinates of the points of small order. */
const PRIME = 2n ** 255n - 19n;
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  PRIME - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
]);

/**
 * A server's Ed25519 signing key (specification: Server-Server API, Publishing Keys). Its secret is a private
 * field, so that printing or logging the object cannot give it away.
 */
export class SigningKey {
  /** What follows `ed25519:` in the key's ID. */
  readonly version: string;
  /** The key ID, `ed25519:<version>`. */
  readonly id: string;
  readonly publicKey: Uint8Array;
  /** In tweetnacl's form: the seed and after it the public key, 64 bytes. */
  readonly #secretKey: Uint8Array;
  readonly #key: KeyObject;

  /**
   * @param seed 32 bytes
   * @throws {Error} if the version has other characters than `a-zA-Z0-9_`, or the seed another length
   */
  constructor(version: string, seed: Uint8Array) {
    this.version = version;
    this.id = `ed25519:${version}`;
    if (!isServerKeyId(this.id))
      throw new Error('A signing key needs a version of the characters a-zA-Z0-9_');
    const pair = nacl.sign.keyPair.fromSeed(Uint8Array.from(seed));
    this.publicKey = pair.publicKey;
    this.#secretKey = pair.secretKey;
    const der = Buffer.concat([PKCS8_PREFIX, pair.secretKey.subarray(0, 32)]);
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  }

  /** The signature of 64 bytes, by node:crypto: some 30 microseconds, where tweetnacl takes 2 milliseconds. */
  sign(message: Uint8Array): Uint8Array {
    return sign(null, message, this.#key);
  }

  /** A copy of the secret key in tweetnacl's form (64 bytes, the seed being the first 32). For keeping only. */
  exportSecretKey(): Uint8Array {
    return Uint8Array.from(this.#secretKey);
  }
}

/**
 * Makes a signing key.
 *
 * @param random gives so many unpredictable bytes; the seed is taken from it, and the version unless it is given
 */
export function generateSigningKey(random: (bytes: number) => Uint8Array, version?: string): SigningKey {
  const seed = random(32);
  return new SigningKey(version ?? `a_${randomLetters(random, 6)}`, seed);
}

/**
 * Parses the line of a key file, `ed25519 <version> <seed in Base64>`, as other homeservers write it too.
 *
 * @throws {Error} saying what is wrong, without quoting the line
 */
export function parseSigningKey(line: string): SigningKey {
  const [algorithm, version, encoded, ...rest] = line.trim().split(/\s+/);
  if (version === undefined || encoded === undefined || rest.length > 0) {
    throw new Error('A key file has a line of three words: ed25519, a version, and the seed in Base64');
  }
  if (algorithm !== 'ed25519') throw new Error('The only known algorithm for signing keys is ed25519');
  const seed = decodeBase64(encoded);
  if (seed?.length !== 32) throw new Error('The seed of a signing key is 32 bytes in Base64');
  return new SigningKey(version, seed);
}

/** The line of a key file for a key, without a line break. Secret. */
export function printSigningKey(key: SigningKey): string {
  return `ed25519 ${key.version} ${encodeBase64(key.exportSecretKey().subarray(0, 32))}`;
}

/**
 * An Ed25519 key to check signatures with. Making one costs as much as a check, so keep it.
 *
 * Checks are strict in the sense of RFC 8032, section 5.1.7: the half S of a signature must be less than the
 * group's order, or anybody could make further valid signatures out of one. node:crypto keeps to this, tweetnacl
 * does not; on everything else the two agree.
 */
export class VerifyKey {
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  private constructor(publicKey: Uint8Array, key: KeyObject) {
    this.publicKey = publicKey;
    this.#key = key;
  }

  /**
   * The key of these 32 bytes, or of their unpadded Base64; `undefined` if they cannot be anybody's: another
   * length, not in canonical form, or a point of small order, under which everybody's signatures are valid
   * (libsodium, by which most servers check, refuses these as well).
   */
  static from(publicKey: Uint8Array | string): VerifyKey | undefined {
    const bytes = typeof publicKey === 'string' ? decodeBase64(publicKey) : publicKey;
    if (bytes?.length !== 32 || !isPlausiblePoint(bytes)) return undefined;
    const der = Buffer.concat([SPKI_PREFIX, bytes]);
    return new VerifyKey(Uint8Array.from(bytes), createPublicKey({ key: der, format: 'der', type: 'spki' }));
  }

  /** Whether the signature is this key's on the message; some 70 microseconds. */
  verify(message: Uint8Array, signature: Uint8Array): boolean {
    return signature.length === 64 && verify(null, message, this.#key, signature);
  }

  /** The same in the thread pool: some 10 microseconds of this thread. For checking many that nobody waits for. */
  verifyAside(message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    if (signature.length !== 64) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      verify(null, message, this.#key, signature, (error, valid) => {
        if (error === null) resolve(valid);
        else reject(error);
      });
    });
  }
}

function isPlausiblePoint(bytes: Uint8Array): boolean {
  const bigEndian = Buffer.from(bytes).reverse().toString('hex');
  const y = BigInt(`0x${bigEndian}`) & (2n ** 255n - 1n);
  return y < PRIME && !SMALL_ORDER_Y.has(y);
}

function randomLetters(random: (bytes: number) => Uint8Array, count: number): string {
  return Array.from(random(count), (byte) => VERSION_LETTERS.charAt(byte % VERSION_LETTERS.length)).join('');
}
