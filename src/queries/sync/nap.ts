import type { ReadSide } from '../read-side.js';

const NONE: ReadonlySet<string> = new Set();

/** A poll's sleep until something concerns its user, or a room that they look into. */
export class Nap {
  readonly #side: ReadSide;
  readonly #forget: () => void;
  #woken = false;
  #onWake: (() => void) | undefined;

  /** @param watched rooms that concern the user although they are not in them */
  constructor(side: ReadSide, userId: string, watched: ReadonlySet<string> = NONE) {
    this.#side = side;
    let joined: ReadonlyMap<string, unknown> | undefined;
    void side.joinedRooms.of(userId).then((rooms) => {
      joined = rooms;
    });
    this.#forget = side.notifier.sleep(
      ({ users, inboxes, rooms }) =>
        users.has(userId) ||
        inboxes?.has(userId) === true ||
        touches(rooms, joined) ||
        (watched.size > 0 && touches(rooms, watched)),
      () => {
        this.#woken = true;
        this.#onWake?.();
      },
    );
  }

  /** True once woken, false after so many milliseconds or when the signal fires. */
  async until(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    if (this.#woken) return true;
    return new Promise<boolean>((resolve) => {
      const timer = this.#side.clock.after(milliseconds, () => {
        finish(false);
      });
      const onAbort = () => {
        finish(false);
      };
      const finish = (woken: boolean) => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        this.#onWake = undefined;
        resolve(woken);
      };
      this.#onWake = () => {
        finish(true);
      };
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) finish(false);
    });
  }

  end(): void {
    this.#forget();
  }
}

/** Until the user's rooms are known, every room may be one of them. */
function touches(rooms: ReadonlySet<string>, theirs: { has(roomId: string): boolean } | undefined): boolean {
  if (theirs === undefined) return rooms.size > 0;
  for (const roomId of rooms) if (theirs.has(roomId)) return true;
  return false;
}
