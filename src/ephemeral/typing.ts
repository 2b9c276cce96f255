import { Subject, type Observable } from 'rxjs';
import type { Clock, Timer } from '../runtime/clock.js';
import type { EphemeralCounter } from './counter.js';

/** Client-Server API, Typing Notifications, leaves the longest time to the server. */
const LONGEST = 120_000;

/** Whoever began must be heard of again within this time, or the process that knew them is gone. */
const FORGOTTEN_AFTER = LONGEST + 10_000;

export interface TypingChange {
  readonly roomId: string;
  readonly userId: string;
  readonly typing: boolean;
}

interface TypingRoom {
  readonly users: Map<string, Timer>;
  changedAt: number;
}

/** Who is typing where. In memory: nobody needs to know tomorrow. */
export class Typing {
  readonly #clock: Clock;
  readonly #counter: EphemeralCounter;
  readonly #tell: (change: TypingChange) => void;
  /** Those who said so here, and the end of their time. */
  readonly #own = new Map<string, Timer>();
  readonly #rooms = new Map<string, TypingRoom>();
  readonly #changes = new Subject<string>();

  /** @param tell hands a change to whatever gives it back to `apply`, here and in other processes; without, it is applied at once */
  constructor(clock: Clock, counter: EphemeralCounter, tell?: (change: TypingChange) => void) {
    this.#clock = clock;
    this.#counter = counter;
    this.#tell =
      tell ??
      ((change) => {
        this.apply(change, counter.next());
      });
  }

  /** Rooms in which somebody began or stopped typing. */
  get changes(): Observable<string> {
    return this.#changes;
  }

  /** @param timeout milliseconds until the user counts as having stopped. */
  start(roomId: string, userId: string, timeout: number): void {
    const key = `${roomId}\n${userId}`;
    this.#own.get(key)?.cancel();
    const length = Math.min(Math.max(timeout, 0), LONGEST);
    const timer = this.#clock.after(length, () => {
      this.stop(roomId, userId);
    });
    this.#own.set(key, timer);
    if (this.#rooms.get(roomId)?.users.has(userId) !== true) this.#tell({ roomId, userId, typing: true });
  }

  stop(roomId: string, userId: string): void {
    const key = `${roomId}\n${userId}`;
    this.#own.get(key)?.cancel();
    const wasHere = this.#own.delete(key);
    if (!wasHere && this.#rooms.get(roomId)?.users.has(userId) !== true) return;
    this.#tell({ roomId, userId, typing: false });
  }

  /** A change, with its number. */
  apply({ roomId, userId, typing }: TypingChange, number: number): void {
    const room = this.#rooms.get(roomId) ?? { users: new Map<string, Timer>(), changedAt: 0 };
    const known = room.users.get(userId);
    known?.cancel();
    if (typing) {
      const end = this.#clock.after(FORGOTTEN_AFTER, () => {
        this.apply({ roomId, userId, typing: false }, this.#counter.next());
      });
      room.users.set(userId, end);
    } else {
      room.users.delete(userId);
    }
    this.#counter.reach(number);
    if ((known !== undefined) === typing) return;
    this.#rooms.set(roomId, room);
    room.changedAt = number;
    this.#changes.next(roomId);
  }

  /** Who is typing in a room, if that changed after `since` (a number of the counter); else `undefined`. */
  changedSince(roomId: string, since: number): readonly string[] | undefined {
    const room = this.#rooms.get(roomId);
    if (room === undefined || room.changedAt <= since) return undefined;
    return [...room.users.keys()];
  }
}
