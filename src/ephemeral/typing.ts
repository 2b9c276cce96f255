import { Subject, type Observable } from 'rxjs';
import type { Clock, Timer } from '../runtime/clock.js';
import type { EphemeralCounter } from './counter.js';

/** Client-Server API, Typing Notifications, leaves the longest time to the server. */
const LONGEST = 120_000;

interface TypingRoom {
  readonly users: Map<string, Timer>;
  changedAt: number;
}

/** Who is typing where. In memory: nobody needs to know tomorrow. */
export class Typing {
  readonly #clock: Clock;
  readonly #counter: EphemeralCounter;
  readonly #rooms = new Map<string, TypingRoom>();
  readonly #changes = new Subject<string>();

  constructor(clock: Clock, counter: EphemeralCounter) {
    this.#clock = clock;
    this.#counter = counter;
  }

  /** Rooms in which somebody began or stopped typing. */
  get changes(): Observable<string> {
    return this.#changes;
  }

  /** @param timeout milliseconds until the user counts as having stopped. */
  start(roomId: string, userId: string, timeout: number): void {
    const room = this.#rooms.get(roomId) ?? { users: new Map<string, Timer>(), changedAt: 0 };
    this.#rooms.set(roomId, room);
    const known = room.users.get(userId);
    known?.cancel();
    const length = Math.min(Math.max(timeout, 0), LONGEST);
    room.users.set(
      userId,
      this.#clock.after(length, () => {
        this.stop(roomId, userId);
      }),
    );
    if (known === undefined) this.#changed(roomId, room);
  }

  stop(roomId: string, userId: string): void {
    const room = this.#rooms.get(roomId);
    const timer = room?.users.get(userId);
    if (room === undefined || timer === undefined) return;
    timer.cancel();
    room.users.delete(userId);
    this.#changed(roomId, room);
  }

  /** Who is typing in a room, if that changed after `since` (a number of the counter); else `undefined`. */
  changedSince(roomId: string, since: number): readonly string[] | undefined {
    const room = this.#rooms.get(roomId);
    if (room === undefined || room.changedAt <= since) return undefined;
    return [...room.users.keys()];
  }

  #changed(roomId: string, room: TypingRoom): void {
    room.changedAt = this.#counter.next();
    this.#changes.next(roomId);
  }
}
