import type { JsonObject } from '../protocol/json.js';
import type { Clock } from '../runtime/clock.js';
import { letters, type Random } from '../runtime/random.js';

/** One attempt at an operation, from the first request until it has succeeded or is forgotten. */
export interface AuthSession {
  readonly id: string;
  /** Method and path of the first request; later ones must be the same. */
  readonly operation: string;
  /** Whose token the first request carried. */
  readonly userId: string | undefined;
  /** Stages done, in order. */
  readonly completed: string[];
  /** Whom a stage has shown the client to be. */
  provenUserId: string | undefined;
  /** The registration token that was handed in. */
  registrationToken: string | undefined;
  /** The newest parameters, without `auth`; nothing where they were too large to keep. */
  parameters: JsonObject | undefined;
  /** What the operation was answered with, where it can be asked for again. */
  answer: object | undefined;
}

/**
 * Sessions of user-interactive authentication. They live in memory: losing them costs a client one more round. Their
 * number, age and size are bounded, since anybody may begin one.
 */
export class AuthSessions {
  /** Oldest use first: a session that is used moves to the end. */
  readonly #sessions = new Map<string, { session: AuthSession; usedAt: number }>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #limit: number;
  readonly #lifetime: number;

  /** @param options.lifetime milliseconds since the last use */
  constructor(options: { clock: Clock; random: Random; limit: number; lifetime: number }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#limit = options.limit;
    this.#lifetime = options.lifetime;
  }

  get size(): number {
    return this.#sessions.size;
  }

  begin(operation: string, userId: string | undefined): AuthSession {
    const session: AuthSession = {
      id: letters(this.#random, 24),
      operation,
      userId,
      completed: [],
      provenUserId: undefined,
      registrationToken: undefined,
      parameters: undefined,
      answer: undefined,
    };
    this.#put(session);
    return session;
  }

  /** The session, its age counted anew; nothing where it never was, has expired or was pushed out. */
  find(id: string): AuthSession | undefined {
    this.#expire();
    const found = this.#sessions.get(id);
    if (found === undefined) return undefined;
    this.#put(found.session);
    return found.session;
  }

  end(id: string): void {
    this.#sessions.delete(id);
  }

  #put(session: AuthSession): void {
    this.#expire();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, { session, usedAt: this.#clock.monotonic() });
    if (this.#sessions.size > this.#limit) this.#dropOldest();
  }

  #expire(): void {
    const before = this.#clock.monotonic() - this.#lifetime;
    for (const [id, { usedAt }] of this.#sessions) {
      if (usedAt > before) return;
      this.#sessions.delete(id);
    }
  }

  #dropOldest(): void {
    const oldest = this.#sessions.keys().next();
    if (oldest.done !== true) this.#sessions.delete(oldest.value);
  }
}
