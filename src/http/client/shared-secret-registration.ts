/**
 * GET, POST /_synapse/admin/v1/register
 *
 * Not of the specification: the endpoint of Synapse by which operators' tools make accounts, there where a shared
 * secret is configured (Synapse documentation, Shared-Secret Registration).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { setProfileField } from '../../commands/profile.js';
import { register } from '../../commands/registration.js';
import { MatrixError } from '../../protocol/errors.js';
import type { Clock } from '../../runtime/clock.js';
import { letters, type Random } from '../../runtime/random.js';
import { defineRoute, type Route } from '../route.js';
import { commandContext, done, type ClientApi } from './api.js';
import { signedInAnswer } from './signed-in.js';
import type { GetRegistrationNonce, RegisterWithSharedSecret } from './types.js';

const PATHS = ['/_synapse/admin/v1/register'];

/** No routes where there is no secret. */
export function sharedSecretRegistrationRoutes(api: ClientApi): Route[] {
  const secret = api.settings.registration.sharedSecret;
  if (secret === null) return [];
  const { clock, random } = api.write.ports;
  const nonces = new Nonces(clock, random);
  return [
    defineRoute<GetRegistrationNonce, 'none'>({
      module: 'registration',
      name: 'getRegistrationNonce',
      method: 'GET',
      paths: PATHS,
      auth: 'none',
      handler: () => ({ nonce: nonces.next() }),
    }),
    defineRoute<RegisterWithSharedSecret, 'none'>({
      module: 'registration',
      name: 'registerWithSharedSecret',
      method: 'POST',
      paths: PATHS,
      auth: 'none',
      handler: async (request) => {
        const { body } = request;
        if (!nonces.spend(body.nonce)) {
          throw new MatrixError('M_UNKNOWN', 'This nonce is not known, or not any more.', { status: 400 });
        }
        if (!isProof(secret, body)) {
          throw new MatrixError('M_FORBIDDEN', 'The mac is not that of the shared secret.');
        }
        const registration = {
          username: body.username,
          password: body.password,
          kind: 'user',
          method: 'shared_secret',
          admin: body.admin === true,
          device: {},
        } as const;
        const context = commandContext(api, request);
        const registered = await done(api, register(api.write, registration, context));
        if (body.displayname !== undefined) {
          const { userId } = registered;
          await done(api, setProfileField(api.write, userId, 'displayname', body.displayname, context));
        }
        return signedInAnswer(registered, api.settings);
      },
    }),
  ];
}

/** HMAC-SHA1 of the parts with a NUL between each two, in hexadecimal digits. */
function isProof(secret: string, body: RegisterWithSharedSecret['body']): boolean {
  const parts = [body.nonce, body.username, body.password, body.admin === true ? 'admin' : 'notadmin'];
  if (body.user_type != null) parts.push(body.user_type);
  const expected = createHmac('sha1', secret).update(parts.join('\0'), 'utf8').digest();
  const given = Buffer.from(body.mac, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Milliseconds, as in Synapse. */
const NONCE_LIFETIME = 60_000;
const MOST_NONCES = 1000;

/** What was given out, so that nobody can repeat a request that they have seen. The oldest give way to new ones. */
class Nonces {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #givenAt = new Map<string, number>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  next(): string {
    const nonce = letters(this.#random, 32);
    this.#givenAt.set(nonce, this.#clock.monotonic());
    const [oldest] = this.#givenAt.keys();
    if (oldest !== undefined && this.#givenAt.size > MOST_NONCES) this.#givenAt.delete(oldest);
    return nonce;
  }

  /** Whether the nonce was good; it is not again. */
  spend(nonce: string): boolean {
    const givenAt = this.#givenAt.get(nonce);
    this.#givenAt.delete(nonce);
    return givenAt !== undefined && this.#clock.monotonic() - givenAt < NONCE_LIFETIME;
  }
}
