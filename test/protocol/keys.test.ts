import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import nacl from 'tweetnacl';
import { describe, expect, it } from 'vitest';
import { encodeBase64 } from '../../src/protocol/base64.js';
import {
  generateSigningKey,
  parseSigningKey,
  printSigningKey,
  SigningKey,
  VerifyKey,
} from '../../src/protocol/keys.js';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function verifyKey(publicKey: Uint8Array): VerifyKey {
  const key = VerifyKey.from(publicKey);
  if (key === undefined) throw new Error('Not a key');
  return key;
}

/** RFC 8032, section 7.1: seed, public key, message, signature. */
const RFC8032: [name: string, seed: string, publicKey: string, message: string, signature: string][] = [
  [
    'TEST 1',
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    'TEST 2',
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'TEST 3',
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    'TEST SHA(abc)',
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
];

describe('Ed25519', () => {
  it.each(RFC8032)('%s of RFC 8032, by both libraries', (_, seed, publicKey, message, signature) => {
    const key = new SigningKey('1', hex(seed));
    expect(encodeBase64(key.publicKey)).toBe(encodeBase64(hex(publicKey)));
    expect(Buffer.from(key.sign(hex(message))).toString('hex')).toBe(signature);
    expect(Buffer.from(nacl.sign.detached(hex(message), key.exportSecretKey())).toString('hex')).toBe(
      signature,
    );
    expect(verifyKey(hex(publicKey)).verify(hex(message), hex(signature))).toBe(true);
    expect(nacl.sign.detached.verify(hex(message), hex(signature), hex(publicKey))).toBe(true);
  });

  it('signs like tweetnacl, for random keys and messages', () => {
    for (let i = 0; i < 200; i++) {
      const key = new SigningKey('1', randomBytes(32));
      const message = Uint8Array.from(randomBytes(i));
      expect(encodeBase64(key.sign(message))).toBe(
        encodeBase64(nacl.sign.detached(message, key.exportSecretKey())),
      );
    }
  });

  it('checks like tweetnacl, for thousands of good and damaged cases', { timeout: 120_000 }, () => {
    const keys = Array.from({ length: 20 }, () => new SigningKey('1', randomBytes(32)));
    let good = 0;
    for (let i = 0; i < 2000; i++) {
      const [key, other] = [keys[i % 20], keys[(i + 1) % 20]];
      if (key === undefined || other === undefined) throw new Error('No key');
      const message = Uint8Array.from(randomBytes(1 + (i % 100)));
      const signature = Uint8Array.from(key.sign(message));
      let publicKey = Uint8Array.from(key.publicKey);
      const damage = i % 5;
      // Bits 253 and up of S would put it beyond the group's order: the one known difference, tested by itself.
      if (damage === 1) flipBit(signature, i % 508);
      if (damage === 2) flipBit(message, i % 8);
      if (damage === 3) publicKey = Uint8Array.from(other.publicKey);
      if (damage === 4) flipBit(publicKey, i % 256);
      const ours = VerifyKey.from(publicKey)?.verify(message, signature) ?? false;
      const theirs = nacl.sign.detached.verify(message, signature, publicKey);
      expect([i, ours]).toEqual([i, theirs]);
      expect(ours).toBe(damage === 0);
      if (ours) good++;
    }
    expect(good).toBe(400);
  });

  it('refuses signatures of other lengths', () => {
    const key = new SigningKey('1', randomBytes(32));
    const message = randomBytes(10);
    const signature = key.sign(message);
    for (const length of [0, 1, 32, 63])
      expect(verifyKey(key.publicKey).verify(message, signature.subarray(0, length))).toBe(false);
    expect(verifyKey(key.publicKey).verify(message, Buffer.concat([signature, Buffer.alloc(1)]))).toBe(false);
  });

  it('refuses S beyond the order of the group, which tweetnacl lets pass', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const key = new SigningKey('1', randomBytes(32));
    const message = Uint8Array.from(randomBytes(10));
    const signature = key.sign(message);
    for (let factor = 1n; factor < 15n; factor++) {
      const s = littleEndian(fromLittleEndian(signature.subarray(32)) + factor * order);
      const malleated = Uint8Array.from(Buffer.concat([signature.subarray(0, 32), s]));
      expect(verifyKey(key.publicKey).verify(message, malleated)).toBe(false);
      expect(nacl.sign.detached.verify(message, malleated, key.publicKey)).toBe(true);
    }
  });

  const prime = 2n ** 255n - 19n;
  const smallOrder = [
    0n,
    1n,
    prime - 1n,
    0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
    0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  ];
  it.each(smallOrder)('refuses the key of small order with y = %i, under which a forger can sign', (y) => {
    const publicKey = Uint8Array.from(littleEndian(y));
    expect(VerifyKey.from(publicKey)).toBeUndefined();
    publicKey[31] = (publicKey[31] ?? 0) | 0x80;
    expect(VerifyKey.from(publicKey)).toBeUndefined();
    // R = the neutral element, S = 0 satisfies the equation whenever the hash is a multiple of the key's order.
    publicKey[31] &= 0x7f;
    const forged = Uint8Array.from(Buffer.concat([littleEndian(1n), Buffer.alloc(32)]));
    const messages = Array.from({ length: 64 }, (_, i) => Uint8Array.of(i));
    expect(messages.some((message) => nacl.sign.detached.verify(message, forged, publicKey))).toBe(true);
  });

  it('refuses keys of another length or not in canonical form', () => {
    for (const length of [0, 31, 33]) expect(VerifyKey.from(new Uint8Array(length).fill(7))).toBeUndefined();
    for (let y = prime; y < 2n ** 255n; y++) expect(VerifyKey.from(littleEndian(y))).toBeUndefined();
    expect(VerifyKey.from('not Base64!')).toBeUndefined();
  });
});

describe('signing keys', () => {
  const random = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(3);

  it('come from the randomness given', () => {
    const key = generateSigningKey(random);
    expect(key.id).toBe('ed25519:a_dddddd');
    expect(printSigningKey(key)).toBe(printSigningKey(new SigningKey('a_dddddd', random(32))));
    expect(generateSigningKey(random, 'x').id).toBe('ed25519:x');
  });

  it('are kept in tweetnacl’s form', () => {
    const key = generateSigningKey(randomBytes);
    const pair = nacl.sign.keyPair.fromSecretKey(key.exportSecretKey());
    expect(pair.publicKey).toEqual(key.publicKey);
    expect(key.exportSecretKey()).toHaveLength(64);
  });

  it('are printed to a line, and read from it', () => {
    const key = generateSigningKey(randomBytes);
    const line = printSigningKey(key);
    expect(line).toMatch(/^ed25519 a_[a-z]{6} [A-Za-z0-9+/]{43}$/);
    for (const text of [line, ` ${line}\r\n`, `${line}=`]) {
      expect(parseSigningKey(text).publicKey).toEqual(key.publicKey);
      expect(parseSigningKey(text).id).toBe(key.id);
    }
  });

  it.each([
    '',
    'ed25519',
    'ed25519 1',
    `ed25519 1 ${'A'.repeat(42)}`,
    `ed25519 1 ${'A'.repeat(44)}`,
    `ed25519 a-b ${'A'.repeat(43)}`,
    `rsa 1 ${'A'.repeat(43)}`,
    `ed25519 1 ${'A'.repeat(43)} x`,
  ])('are not read from %j', (line) => {
    expect(() => parseSigningKey(line)).toThrow(Error);
    if (line.length > 40) expect(() => parseSigningKey(line)).not.toThrow(/AAAA/);
  });

  it('do not show their secret', () => {
    const key = generateSigningKey(randomBytes);
    const secret = printSigningKey(key).split(' ')[2] ?? '';
    const bytes = [...key.exportSecretKey().subarray(0, 4)].join(', ');
    for (const shown of [JSON.stringify(key), inspect(key, { depth: 9, showHidden: true })]) {
      expect(shown).not.toContain(secret);
      expect(shown).not.toContain(bytes);
    }
  });
});

function flipBit(bytes: Uint8Array, bit: number): void {
  const index = bit >> 3;
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit & 7));
}

function littleEndian(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
