/**
 * One queue per stream: what waits for a stream is handed over together, as one batch, when the batch before
 * it is done. No stream waits for another, and an idle one costs nothing.
 */
export class StreamQueues<J> {
  readonly #waiting = new Map<string, J[]>();
  readonly #running = new Set<string>();
  readonly #work: (stream: string, jobs: readonly J[]) => Promise<void>;
  readonly #largestBatch: number;

  /** @param work deals with every job of a batch, and settles each itself: it must not throw. */
  constructor(work: (stream: string, jobs: readonly J[]) => Promise<void>, largestBatch = 128) {
    this.#work = work;
    this.#largestBatch = largestBatch;
  }

  push(stream: string, job: J): void {
    const queue = this.#waiting.get(stream);
    if (queue === undefined) this.#waiting.set(stream, [job]);
    else queue.push(job);
    if (!this.#running.has(stream)) void this.#drain(stream);
  }

  async #drain(stream: string): Promise<void> {
    this.#running.add(stream);
    // Commands that arrive in the same turn of the event loop share the first batch already.
    await Promise.resolve();
    for (let queue = this.#waiting.get(stream); queue !== undefined; queue = this.#waiting.get(stream)) {
      const batch = queue.splice(0, this.#largestBatch);
      if (queue.length === 0) this.#waiting.delete(stream);
      if (batch.length > 0) await this.#work(stream, batch);
    }
    this.#running.delete(stream);
  }
}
