import { hash, verify } from '@node-rs/argon2';
import { MatrixError } from '../protocol/errors.js';
import { Semaphore, TooManyWaitingError } from '../runtime/semaphore.js';

/** OWASP's parameters for argon2id; hashing runs in the thread pool and not on the event loop. */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const MOST_BYTES = 512;

/** Of the thread pool's four threads; the others are for the log's flushes. */
const AT_ONCE = 2;
/** Some seconds' work. */
const MOST_WAITING = 200;
/** Milliseconds. */
const RETRY_AFTER = 2000;

const hashing = new Semaphore(AT_ONCE, MOST_WAITING);

let nobody: Promise<string> | undefined;

/** @throws MatrixError M_WEAK_PASSWORD for an empty password, M_INVALID_PARAM for one of absurd length. */
export async function hashPassword(password: string): Promise<string> {
  if (password === '') throw new MatrixError('M_WEAK_PASSWORD', 'The password must not be empty.');
  if (Buffer.byteLength(password) > MOST_BYTES) {
    throw new MatrixError('M_INVALID_PARAM', `A password can have ${MOST_BYTES} bytes at most.`);
  }
  return inTurn(() => hash(password, OPTIONS));
}

/**
 * Whether this is the password. Without a hash to compare with, as much work is done in vain, so that the time it
 * takes does not tell which accounts exist.
 */
export async function checkPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
  if (Buffer.byteLength(password) > MOST_BYTES) return false;
  const vain = await (nobody ??= hash('', OPTIONS));
  const matches = await inTurn(() => verify(passwordHash ?? vain, password));
  return matches && passwordHash !== undefined;
}

/** @throws MatrixError M_LIMIT_EXCEEDED */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await hashing.run(work);
  } catch (error) {
    if (!(error instanceof TooManyWaitingError)) throw error;
    throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many passwords are being checked: wait a moment.', {
      fields: { retry_after_ms: RETRY_AFTER },
    });
  }
}
