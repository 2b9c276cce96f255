import { LRUCache } from 'lru-cache';
import type { RawStored } from './adapter.js';
import type { Appended, LoggedRecord, NewRecord } from './log.js';
import { START, type Position } from './position.js';
import { parted } from './sealing.js';

/** So many of the newest records are kept, up to twice as many for a moment. */
const KEPT = 1024;
/** Bytes, as stored: beyond it only what came last is kept. */
const KEPT_BYTES = 4_194_304;
/** What one reading gives. */
const BATCH_RECORDS = 500;

/**
 * The newest records of a log that this process alone appends to, as they were appended: whoever follows the log needs
 * not read, verify and unseal what was in memory a moment ago. Nothing is kept beside a gap.
 */
export class RecentRecords {
  #records: LoggedRecord[] = [];
  #bytes = 0;

  remember(
    stream: string,
    records: readonly NewRecord[],
    { revision, positions }: Appended,
    bytes: number,
  ): void {
    const [position] = positions;
    if (position === undefined) return;
    const last = this.#records.at(-1);
    // A repeat was answered with old positions.
    if (last !== undefined && position <= last.position) return;
    if (position !== (last?.position ?? 0) + 1) this.clear();
    this.#records.push(...asLogged(stream, records, { revision, positions }));
    this.#bytes += bytes;
    if (this.#records.length < 2 * KEPT && this.#bytes < KEPT_BYTES) return;
    this.#records = this.#bytes < KEPT_BYTES ? this.#records.slice(-KEPT) : [];
    this.#bytes = 0;
  }

  /** The first of the records after a position, if all of them up to the head are here. */
  after(position: Position, head: Position): readonly LoggedRecord[] | undefined {
    const [first, last] = [this.#records[0]?.position ?? Infinity, this.#records.at(-1)?.position ?? START];
    const start = Math.max(position, 0) + 1;
    if (start < first || start > head || head > last) return undefined;
    const count = Math.min(BATCH_RECORDS, head + 1 - start);
    return this.#records.slice(start - first, start - first + count);
  }

  clear(): void {
    this.#records = [];
    this.#bytes = 0;
  }
}

/**
 * What this process has appended lately to a log that others may append to as well: when it is read back, it need not be
 * taken apart, verified and unsealed, once by everybody who follows the log.
 */
export class AppendedRecords {
  readonly #records = new LRUCache<Position, LoggedRecord>({ max: 4 * KEPT, maxSize: KEPT_BYTES });

  remember(stream: string, records: readonly NewRecord[], appended: Appended, bytes: number): void {
    const size = Math.max(1, Math.ceil(bytes / records.length));
    for (const record of asLogged(stream, records, appended)) {
      this.#records.set(record.position, record, { size });
    }
  }

  /** What is stored there, if it is known. */
  at({ position, id, stream, revision }: RawStored): LoggedRecord | undefined {
    const found = this.#records.get(position);
    return found?.id === id && found.stream === stream && found.revision === revision ? found : undefined;
  }

  clear(): void {
    this.#records.clear();
  }
}

/** Records that were just appended, as reading them gives them. */
function asLogged(
  stream: string,
  records: readonly NewRecord[],
  { revision, positions }: Appended,
): LoggedRecord[] {
  const first = revision - records.length + 1;
  return records.map((record, nth) => {
    const position = positions[nth] ?? START;
    const at = { stream, revision: first + nth, position, index: 0, forgotten: false };
    return { ...record, data: inStoredOrder(record), ...at } as LoggedRecord;
  });
}

/** Reading gives sealed fields behind the others; what is made of a record must not depend on where it came from. */
function inStoredOrder({ type, version, data }: NewRecord): object {
  const parts = parted({ type, version, data: { ...data } });
  return parts === undefined ? data : { ...parts.clear, ...parts.hidden };
}
