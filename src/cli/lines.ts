import { EventEmitter, once } from 'node:events';
import type { Output } from './io.js';

const CHUNK = 65_536;

/**
 * Lines on their way out, some at a time, never faster than they are taken: what is written through this costs
 * the same memory however much it is.
 */
export class LineWriter {
  readonly #output: Output;
  #waiting = '';

  constructor(output: Output) {
    this.#output = output;
  }

  async line(text: string): Promise<void> {
    this.#waiting += `${text}\n`;
    if (this.#waiting.length >= CHUNK) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#waiting;
    this.#waiting = '';
    if (text === '') return;
    const taken = this.#output.write(text);
    if (taken === false && this.#output instanceof EventEmitter) await once(this.#output, 'drain');
  }
}
