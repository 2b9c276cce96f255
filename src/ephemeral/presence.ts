import { Subject, type Observable } from 'rxjs';
import type { Clock, Timer } from '../runtime/clock.js';
import type { EphemeralCounter } from './counter.js';

export type PresenceState = 'online' | 'unavailable' | 'offline';

/** A user's presence as others see it (Client-Server API, Presence). */
export interface Presence {
  readonly state: PresenceState;
  readonly statusMessage: string | undefined;
  /** When they last did something, milliseconds since the epoch. */
  readonly lastActiveAt: number | undefined;
  readonly currentlyActive: boolean;
}

/** How a user is there from now on. */
export interface PresenceChange {
  readonly userId: string;
  readonly presence: Presence;
}

interface Entry {
  presence: Presence;
  changedAt: number;
  /** Runs while they sync here. */
  timer: Timer | undefined;
}

/** Without a sync for this long a user is gone. */
const OFFLINE_AFTER = 30_000;
/** After this long without activity somebody online is no longer currently active. */
const INACTIVE_AFTER = 5 * 60_000;

const UNKNOWN: Presence = {
  state: 'offline',
  statusMessage: undefined,
  lastActiveAt: undefined,
  currentlyActive: false,
};

/** Who is there. In memory: after a restart everybody is offline until they sync again. */
export class PresenceBoard {
  readonly #clock: Clock;
  readonly #counter: EphemeralCounter;
  readonly #tell: (change: PresenceChange) => void;
  readonly #users = new Map<string, Entry>();
  readonly #changes = new Subject<string>();

  /** @param tell hands a change to whatever gives it back to `apply`, here and in other processes; without, it is applied at once */
  constructor(clock: Clock, counter: EphemeralCounter, tell?: (change: PresenceChange) => void) {
    this.#clock = clock;
    this.#counter = counter;
    this.#tell =
      tell ??
      ((change) => {
        this.apply(change, counter.next());
      });
  }

  /** Users whose presence changed. */
  get changes(): Observable<string> {
    return this.#changes;
  }

  of(userId: string): Presence {
    const presence = this.#users.get(userId)?.presence ?? UNKNOWN;
    const isIdle =
      presence.lastActiveAt === undefined || this.#clock.now() - presence.lastActiveAt > INACTIVE_AFTER;
    return { ...presence, currentlyActive: presence.state === 'online' && !isIdle };
  }

  /** A client says how the user is; a missing message removes the one before. */
  set(userId: string, state: PresenceState, statusMessage: string | undefined): void {
    if (state === 'offline') this.#left(userId);
    this.#put(userId, {
      state,
      statusMessage,
      lastActiveAt: this.#clock.now(),
      currentlyActive: state === 'online',
    });
  }

  /**
   * A client syncs, and so the user is there, unless it asks not to be seen (`offline`). Ends by itself some time
   * after the last sync.
   */
  synced(userId: string, state: PresenceState): void {
    if (state === 'offline') return;
    const before = this.#users.get(userId)?.presence ?? UNKNOWN;
    const lastActiveAt = state === 'online' ? this.#clock.now() : before.lastActiveAt;
    this.#put(userId, { ...before, state, lastActiveAt, currentlyActive: state === 'online' }, before);
    this.#expire(userId);
  }

  /** The user did something, such as sending a message. */
  active(userId: string): void {
    const entry = this.#users.get(userId);
    if (entry === undefined || entry.presence.state === 'offline') return;
    const presence = {
      ...entry.presence,
      lastActiveAt: this.#clock.now(),
      currentlyActive: true,
      state: 'online' as const,
    };
    this.#put(userId, presence, entry.presence);
  }

  /** The users whose presence changed after `since`, a number of the counter. */
  changedUsers(since: number): string[] {
    return [...this.#users].filter(([, entry]) => entry.changedAt > since).map(([userId]) => userId);
  }

  /** A change, with its number. */
  apply({ userId, presence }: PresenceChange, number: number): void {
    const entry = this.#users.get(userId) ?? { presence, changedAt: 0, timer: undefined };
    this.#users.set(userId, entry);
    this.#counter.reach(number);
    // Another process has not heard of them for a while; here they are.
    if (presence.state === 'offline' && entry.timer !== undefined) {
      if (entry.presence.state !== 'offline') this.#tell({ userId, presence: entry.presence });
      return;
    }
    entry.presence = presence;
    entry.changedAt = number;
    this.#changes.next(userId);
  }

  #expire(userId: string): void {
    const entry = this.#users.get(userId) ?? { presence: UNKNOWN, changedAt: 0, timer: undefined };
    this.#users.set(userId, entry);
    entry.timer?.cancel();
    entry.timer = this.#clock.after(OFFLINE_AFTER, () => {
      entry.timer = undefined;
      this.#put(userId, { ...entry.presence, state: 'offline', currentlyActive: false });
    });
  }

  #left(userId: string): void {
    const entry = this.#users.get(userId);
    entry?.timer?.cancel();
    if (entry !== undefined) entry.timer = undefined;
  }

  /** `before` given: only what others can see of a difference counts as a change. */
  #put(userId: string, presence: Presence, before?: Presence): void {
    if (
      before !== undefined &&
      before.state === presence.state &&
      before.statusMessage === presence.statusMessage
    ) {
      const entry = this.#users.get(userId);
      if (entry !== undefined) entry.presence = presence;
      return;
    }
    this.#tell({ userId, presence });
  }
}
