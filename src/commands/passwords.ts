import { hash, verify } from '@node-rs/argon2';
import { MatrixError } from '../protocol/errors.js';

/** OWASP's parameters for argon2id; hashing runs in the thread pool and not on the event loop. */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const MOST_BYTES = 512;

let nobody: Promise<string> | undefined;

/** @throws MatrixError M_WEAK_PASSWORD for an empty password, M_INVALID_PARAM for one of absurd length. */
export async function hashPassword(password: string): Promise<string> {
  if (password === '') throw new MatrixError('M_WEAK_PASSWORD', 'The password must not be empty.');
  if (Buffer.byteLength(password) > MOST_BYTES) {
    throw new MatrixError('M_INVALID_PARAM', `A password can have ${MOST_BYTES} bytes at most.`);
  }
  return hash(password, OPTIONS);
}

/**
 * Whether this is the password. Without a hash to compare with, as much work is done in vain, so that the time it
 * takes does not tell which accounts exist.
 */
export async function checkPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
  if (Buffer.byteLength(password) > MOST_BYTES) return false;
  nobody ??= hash('', OPTIONS);
  const matches = await verify(passwordHash ?? (await nobody), password);
  return matches && passwordHash !== undefined;
}
