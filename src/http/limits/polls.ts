import type { ServerResponse } from 'node:http';

/** Whose poll it is. */
export interface Poller {
  readonly userId: string;
  readonly deviceId: string;
}

/**
 * The polls that wait, by device and by user. Of too many the oldest is ended, which answers it with what there is:
 * a client that has lost its connection polls again, and its old poll would only be found dead at its end.
 */
export class Polls {
  readonly #perDevice: number;
  readonly #perUser: number;
  /** Oldest first. */
  readonly #waiting = new Map<string, Set<AbortController>>();

  constructor(perDevice: number, perUser: number) {
    this.#perDevice = perDevice;
    this.#perUser = perUser;
  }

  /** Devices and users with polls. */
  get size(): number {
    return this.#waiting.size;
  }

  /** A poll begins, and is over when its response is; `controller` ends it. */
  begin({ userId, deviceId }: Poller, controller: AbortController, response: ServerResponse): void {
    if (controller.signal.aborted) return;
    const groups = [
      { key: `${userId}\n${deviceId}`, most: this.#perDevice },
      { key: userId, most: this.#perUser },
    ];
    for (const { key, most } of groups) this.#add(key, most, controller);
    response.once('close', () => {
      for (const { key } of groups) this.#remove(key, controller);
    });
  }

  #add(key: string, most: number, controller: AbortController): void {
    const group = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, group);
    group.add(controller);
    const [oldest] = group;
    if (group.size <= most || oldest === undefined) return;
    group.delete(oldest);
    oldest.abort();
  }

  #remove(key: string, controller: AbortController): void {
    const group = this.#waiting.get(key);
    group?.delete(controller);
    if (group?.size === 0) this.#waiting.delete(key);
  }
}
