import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/protocol/json.js';
import { inviteKeys, signedWithInviteKey } from '../../src/protocol/third-party-invites.js';
import { alice, aRoom, bob } from '../support/room.js';
import { InviteKey } from '../support/third-party.js';

const key = new InviteKey('identity server');
const other = new InviteKey('somebody else');
const many = Array.from({ length: 40 }, (_, index) => new InviteKey(`key ${index}`));
const claim: JsonObject = { mxid: bob.id, token: 'abc' };

function invite(content: JsonObject) {
  return aRoom('11').createdBy(alice).setState(alice, 'm.room.third_party_invite', content, 'abc').last;
}

function list(...keys: InviteKey[]): JsonObject {
  return { public_keys: keys.map((one) => ({ public_key: one.public })) };
}

test('the keys of an invitation, each once', () => {
  const content = { public_key: key.public, ...list(key, other) };
  const publicKeys = inviteKeys(
    invite({
      ...content,
      public_keys: [...(list(key, other)['public_keys'] as JsonObject[]), { public_key: key.publicUrlSafe }],
    }),
  );
  expect(publicKeys.map((one) => Buffer.from(one.publicKey).toString('base64').replace('=', ''))).toEqual([
    key.public,
    other.public,
  ]);
  expect(inviteKeys(invite(content))).toHaveLength(2);
});

test('what is no key is left out', () => {
  for (const content of [
    {},
    { public_key: null },
    { public_key: 'A' },
    { public_keys: 'A' },
    { public_keys: [1, []] },
  ]) {
    expect(inviteKeys(invite(content))).toEqual([]);
    expect(signedWithInviteKey(key.sign(claim), invite(content))).toBe(false);
  }
});

test('a key under which every signature is good is no key', () => {
  const identityPoint = Buffer.from([1, ...new Uint8Array(31)])
    .toString('base64')
    .replace('=', '');
  expect(inviteKeys(invite({ public_key: identityPoint }))).toEqual([]);
});

test('a signature by any of the keys will do', () => {
  expect(signedWithInviteKey(key.sign(claim), invite({ public_key: key.public }))).toBe(true);
  expect(signedWithInviteKey(key.sign(claim), invite({ public_key: other.public, ...list(key) }))).toBe(true);
  expect(signedWithInviteKey(key.sign(claim), invite(list(other)))).toBe(false);
});

test('what was not covered by the signature', () => {
  const signed = key.sign(claim);
  expect(signedWithInviteKey({ ...signed, unsigned: { age: 1 } }, invite(list(key)))).toBe(true);
  expect(signedWithInviteKey({ ...signed, sender: alice.id }, invite(list(key)))).toBe(false);
  expect(signedWithInviteKey({ ...signed, text: '\ud800' }, invite(list(key)))).toBe(false);
});

test('the work is bounded: 16 keys and 16 signatures are tried', () => {
  expect(inviteKeys(invite(list(...many)))).toHaveLength(16);
  expect(signedWithInviteKey(key.sign(claim), invite(list(...many.slice(0, 15), key)))).toBe(true);
  expect(signedWithInviteKey(key.sign(claim), invite(list(...many.slice(0, 16), key)))).toBe(false);
  const bad = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`ed25519:${i}`, 'A'.repeat(86)]));
  const good = key.sign(claim)['signatures'];
  const after = (count: number) => ({
    ...claim,
    signatures: {
      'a.example': Object.fromEntries(Object.entries(bad).slice(0, count)),
      ...(good as JsonObject),
    },
  });
  expect(signedWithInviteKey(after(15), invite(list(key)))).toBe(true);
  expect(signedWithInviteKey(after(16), invite(list(key)))).toBe(false);
});
