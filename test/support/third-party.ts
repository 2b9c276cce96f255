import { createHash } from 'node:crypto';
import { encodeBase64, encodeBase64Url } from '../../src/protocol/base64.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { SigningKey } from '../../src/protocol/keys.js';
import { signJson } from '../../src/protocol/signatures.js';

/** An identity server's key: the same name gives the same key. */
export class InviteKey {
  readonly #key: SigningKey;

  constructor(name: string) {
    this.#key = new SigningKey('0', createHash('sha256').update(name).digest());
  }

  get public(): string {
    return encodeBase64(this.#key.publicKey);
  }

  get publicUrlSafe(): string {
    return encodeBase64Url(this.#key.publicKey);
  }

  /** The `signed` object of a third-party invitation, signed by `id.example`. */
  sign(signed: JsonObject): JsonObject {
    return signJson(signed, 'id.example', this.#key);
  }
}
