import type { LoggedRecord, RecordBatch } from '../../src/log/log.js';
import { START, type Position } from '../../src/log/position.js';
import type { RecordBody } from '../../src/log/records.js';
import type { LogReader } from '../../projections/plan.js';

/**
 * The reading side of a log, held in memory: for tests that want to say exactly which records there are, how they
 * come in batches, and when reading fails.
 */
export class MemoryLog implements LogReader {
  readonly epoch: string;
  readonly batchSize: number;
  readonly records: LoggedRecord[] = [];
  /** Called before each batch is read; may throw. */
  beforeRead: () => void = () => undefined;
  #waiting: (() => void)[] = [];

  constructor(options: { readonly epoch?: string; readonly batchSize?: number } = {}) {
    this.epoch = options.epoch ?? 'epoch';
    this.batchSize = options.batchSize ?? 100;
  }

  get head(): Position {
    return this.records.at(-1)?.position ?? START;
  }

  /** Appends records that share a position, `gap` after the last one; gives the position. */
  append(bodies: readonly (RecordBody & { readonly stream?: string })[], gap = 1): Position {
    const position = this.head + gap;
    bodies.forEach(({ stream = 'server', ...body }, index) => {
      const revision = this.records.filter((record) => record.stream === stream).length;
      const metadata = { correlation_id: `c${position}`, received_at: 1_700_000_000_000 + position };
      const id = `${position}.${index}`;
      this.records.push({
        ...body,
        id,
        metadata,
        stream,
        revision,
        position,
        index,
        forgotten: false,
      });
    });
    for (const wake of this.#waiting.splice(0)) wake();
    return position;
  }

  async *readAll(options: { readonly after?: Position } = {}): AsyncGenerator<RecordBatch> {
    const end = this.head;
    let after = options.after ?? START;
    while (after < end) {
      const batch = this.#batch(after, end);
      yield batch;
      after = batch.position;
    }
  }

  async *subscribe(after: Position, signal: AbortSignal): AsyncGenerator<RecordBatch> {
    let position = after;
    while (!signal.aborted) {
      if (position >= this.head) {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
          signal.addEventListener('abort', () => { resolve(); }, { once: true }); // prettier-ignore
        });
        continue;
      }
      const batch = this.#batch(position, this.head);
      yield batch;
      position = batch.position;
    }
  }

  #batch(after: Position, end: Position): RecordBatch {
    this.beforeRead();
    const records: LoggedRecord[] = [];
    for (const record of this.records) {
      if (record.position <= after || record.position > end) continue;
      if (records.length >= this.batchSize && records.at(-1)?.position !== record.position) break;
      records.push(record);
    }
    return { records, damaged: [], position: records.at(-1)?.position ?? end };
  }
}
