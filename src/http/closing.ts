import type { ServerResponse } from 'node:http';
import { isGone } from './gone.js';

/**
 * Ends waiting requests in good order. A handler that waits (a long poll) takes a signal; it fires when the server
 * closes or the client has gone, and the handler then answers with what it has.
 */
export class Closing {
  #begun = false;
  readonly #waiting = new Set<AbortController>();

  /** True from the moment on which no new request is served. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Ends all that waits, now and from now on. */
  begin(): void {
    this.#begun = true;
    for (const controller of this.#waiting) controller.abort();
    this.#waiting.clear();
  }

  /** What ends the waiting of one request; it is forgotten when the response is finished or its connection lost. */
  controllerFor(response: ServerResponse): AbortController {
    const controller = new AbortController();
    if (this.#begun || isGone(response)) {
      controller.abort();
      return controller;
    }
    this.#waiting.add(controller);
    response.once('close', () => {
      this.#waiting.delete(controller);
      if (!response.writableFinished) controller.abort();
    });
    return controller;
  }
}
