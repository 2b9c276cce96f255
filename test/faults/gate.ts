import { setImmediate } from 'node:timers/promises';
import type { JsonObject } from '../../src/protocol/json.js';
import type { MatrixClient, RequestOptions } from '../support/matrix-client.js';

/** Whether the server is there: the clients of a crash test wait here while it is not. */
export class Gate {
  #up: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;
  #isUp = true;

  get isUp(): boolean {
    return this.#isUp;
  }

  /** To be called before the server is killed, so that nobody takes the kill for a fault. */
  close(): void {
    this.#isUp = false;
    this.#up = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#isUp = true;
    this.#open();
  }

  whenUp(): Promise<void> {
    return this.#up;
  }
}

/** One request of a client; `onLost` is told when the server dies before it has answered. */
export interface Attempts {
  readonly onSent?: () => void;
  readonly onLost?: () => void;
}

/**
 * Asks until there is an answer: the same request, so also with the same transaction ID, as clients do.
 *
 * @throws Error when the answer is not 200, or the connection breaks while the server should be up
 */
export async function insist(
  gate: Gate,
  client: MatrixClient,
  method: string,
  path: string,
  options: RequestOptions & Attempts = {},
): Promise<JsonObject> {
  while (true) {
    const body = await ask(gate, client, method, path, options);
    if (body !== undefined) return body;
    await gate.whenUp();
  }
}

/** Asks once; `undefined` when the answer was lost. @throws Error when the answer is not 200 */
export async function ask(
  gate: Gate,
  client: MatrixClient,
  method: string,
  path: string,
  options: RequestOptions & Attempts = {},
): Promise<JsonObject | undefined> {
  while (true) {
    options.onSent?.();
    let answer;
    try {
      answer = await client.request(method, path, options);
    } catch (error) {
      if (gate.isUp) throw error;
      options.onLost?.();
      return undefined;
    }
    if (answer.status === 200) return answer.body;
    // Read models that are being rebuilt.
    if (answer.status !== 503) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    await setImmediate();
  }
}
