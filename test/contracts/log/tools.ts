import type { RawLog, RawRecord } from '../../../src/log/adapter.js';
import type { Log, LoggedRecord, NewRecord, RecordBatch } from '../../../src/log/log.js';
import { systemRandom, uuid } from '../../../src/runtime/random.js';

/** One history, which can be opened again and again; what a contract needs of an adapter. */
export interface LogHarness {
  /** Opens the history; `wrap` may put itself between the log and its store. */
  open(wrap?: (raw: RawLog) => RawLog): Promise<Log>;
  /** An age for retention, in seconds: as small as it can be where a test has to wait for it. */
  readonly maxAge: number;
  /** Lets so many milliseconds pass on the clock that retention goes by. */
  advance(milliseconds: number): Promise<void>;
  dispose(): Promise<void>;
}

/** A record of about `padding` bytes; its text says which one it is. */
export function aRecord(name: string, padding = 0): NewRecord {
  return {
    id: uuid(systemRandom),
    type: 'profile.changed',
    version: 1,
    data: { fields: { displayname: name, 'com.example.padding': 'x'.repeat(padding) } },
    metadata: { correlation_id: `c-${name}`, received_at: 1_700_000_000_000 },
  };
}

export function nameOf(record: LoggedRecord): unknown {
  return record.type === 'profile.changed' ? record.data.fields?.['displayname'] : undefined;
}

export async function collect(batches: AsyncIterable<RecordBatch>): Promise<LoggedRecord[]> {
  const records: LoggedRecord[] = [];
  for await (const batch of batches) records.push(...batch.records);
  return records;
}

export async function names(batches: AsyncIterable<RecordBatch>): Promise<unknown[]> {
  return (await collect(batches)).map(nameOf);
}

export function someRecords(prefix: string, count: number): NewRecord[] {
  return Array.from({ length: count }, (_, i) => aRecord(`${prefix}${i}`));
}

/** Records that together are larger than one append may be. */
export function largeRecords(prefix: string, count = 12): NewRecord[] {
  return Array.from({ length: count }, (_, i) => aRecord(`${prefix}${i}`, 150_000));
}

/** The same store with another way to append. */
export function appendingBy(raw: RawLog, append: RawLog['append']): RawLog {
  return {
    epoch: raw.epoch,
    get head() {
      return raw.head;
    },
    heads: raw.heads,
    end: () => raw.end(),
    appendsInOrder: raw.appendsInOrder,
    append,
    revision: (stream) => raw.revision(stream),
    readStream: (stream, options) => raw.readStream(stream, options),
    readAll: (options) => raw.readAll(options),
    setRetention: (stream, retention) => raw.setRetention(stream, retention),
    retention: (stream) => raw.retention(stream),
    retained: () => raw.retained(),
    endEpoch: () => raw.endEpoch(),
    close: () => raw.close(),
  };
}

/** The same store, which changes a bit of the data of some records on their way in. */
export function damagingBy(raw: RawLog, damaged: (stream: string, revision: number) => boolean): RawLog {
  const damage = (record: RawRecord): RawRecord => {
    const data = Buffer.from(record.data);
    const at = data.byteLength - 10;
    data.writeUInt8(data.readUInt8(at) ^ 1, at);
    return { ...record, data };
  };
  return appendingBy(raw, (stream, expected, records) =>
    raw.append(
      stream,
      expected,
      records.map((record, i) => (damaged(stream, expected + 1 + i) ? damage(record) : record)),
    ),
  );
}

/** Opens logs of fresh histories, or of one history again and again, and closes them after each test. */
export interface LogTools {
  readonly harness: () => Promise<LogHarness>;
  readonly opened: (from?: LogHarness, wrap?: (raw: RawLog) => RawLog) => Promise<Log>;
}
