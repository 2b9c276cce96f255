import { Subject } from 'rxjs';

/** What happened where, without what it is. */
export interface Wake {
  readonly rooms: ReadonlySet<string>;
  readonly users: ReadonlySet<string>;
  /** Rooms of which something was redacted or forgotten. */
  readonly redacted?: ReadonlySet<string>;
  /** Users to whose devices something was sent, which is nothing else of theirs. */
  readonly inboxes?: ReadonlySet<string>;
  /** Everything up to here can be read; absent where what happened is not recorded (typing, presence). */
  readonly position?: number;
}

/** A poll that sleeps until something concerns it. */
interface Sleeper {
  concerns(wake: Wake): boolean;
  wake(): void;
}

/**
 * Wakes polls by what concerns them and by nothing else. Costs a set look-up per sleeping poll and room that
 * something happened in; nothing is read for those who sleep on.
 */
export class Notifier {
  readonly #sleepers = new Set<Sleeper>();
  readonly #wakes = new Subject<Wake>();

  /** Everything that happens, for caches that have to forget. */
  get wakes(): Subject<Wake> {
    return this.#wakes;
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  notify(wake: Wake): void {
    this.#wakes.next(wake);
    for (const sleeper of this.#sleepers) if (sleeper.concerns(wake)) sleeper.wake();
  }

  /**
   * Calls back once, when something concerns the sleeper; forget it by calling what this returns. Register first,
   * then look whether there is something already: nothing that happens in between is lost.
   */
  sleep(concerns: (wake: Wake) => boolean, onWake: () => void): () => void {
    const sleeper: Sleeper = {
      concerns,
      wake: () => {
        this.#sleepers.delete(sleeper);
        onWake();
      },
    };
    this.#sleepers.add(sleeper);
    return () => {
      this.#sleepers.delete(sleeper);
    };
  }
}
