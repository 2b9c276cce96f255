import { systemClock } from '../runtime/clock.js';
import { Courtesy } from '../runtime/courtesy.js';
import type { RawBatch, RawLog, RawStored } from './adapter.js';
import { DamageError, decode, NEWEST, type OpenedRecord } from './codec.js';
import { isObject } from './json.js';
import type { DamagedRecord, LoggedRecord, RecordBatch } from './log.js';
import { LOST, PLACEHOLDER } from './placeholder.js';
import type { LogCommittedV1 } from './records.js';
import { unseal } from './sealing.js';
import type { SealKeys } from './seal-keys.js';
import { COMMIT, PAGE, readPages } from './staging.js';
import { lifter, UPCASTERS } from './upcasters/upcasters.js';

/** How many damaged records are kept for the operator; all are reported in their batches. */
const MAX_KEPT_DAMAGED = 10_000;

/** Milliseconds after which reading gives others a turn: a batch of a whole log takes some twenty. */
const LONGEST_TURN = 4;

/**
 * Makes records of stored bytes: verifies, expands commits, unseals, lifts. What cannot be read is
 * quarantined, and never stops a reader. Cost: about 10 µs for a record of 1 kB, most of it JSON.
 */
export class RecordReader {
  readonly #raw: RawLog;
  readonly #keys: SealKeys;
  readonly #lift = lifter(NEWEST, UPCASTERS);
  readonly #damaged = new Map<string, DamagedRecord>();

  readonly #known: (raw: RawStored) => LoggedRecord | undefined;

  /** @param known gives a record that was read before, or was just written */
  constructor(raw: RawLog, keys: SealKeys, known: (raw: RawStored) => LoggedRecord | undefined) {
    this.#raw = raw;
    this.#keys = keys;
    this.#known = known;
  }

  get damaged(): readonly DamagedRecord[] {
    return [...this.#damaged.values()];
  }

  /**
   * Reads on until `limit` records were found. The records of one commit share a revision and a position, so
   * they stay together even where that goes beyond the limit: a reader could not go on from their middle.
   */
  async *read(
    batches: AsyncIterable<RawBatch>,
    direction: 'forwards' | 'backwards',
    limit = Infinity,
  ): AsyncGenerator<RecordBatch> {
    let wanted = limit;
    const courtesy = new Courtesy(systemClock, LONGEST_TURN);
    for await (const batch of batches) {
      const records: LoggedRecord[] = [];
      const damaged: DamagedRecord[] = [...batch.damaged];
      let { position } = batch;
      for (const raw of batch.records) {
        if (courtesy.isDue) await courtesy.turn();
        const found = await this.#open(raw, damaged);
        if (direction === 'backwards') found.reverse();
        for (const record of found) records.push(record);
        if (records.length >= wanted) {
          position = raw.position;
          break;
        }
      }
      wanted -= records.length;
      for (const one of damaged) this.#keep(one);
      yield { records, damaged, position };
      if (wanted <= 0) return;
    }
  }

  /** One record; for a commit, all it brings in; nothing for what is not the log's own. */
  async #open(raw: RawStored, damaged: DamagedRecord[]): Promise<LoggedRecord[]> {
    // EventStoreDB's own events lie in the whole log, too.
    if (raw.type === PAGE || raw.type.startsWith('$')) return [];
    const known = this.#known(raw);
    if (known !== undefined) return [known];
    const found: LoggedRecord[] = [];
    try {
      const opened = decode(raw);
      if (raw.type === PLACEHOLDER) {
        if (opened.data['retired'] !== true) throw new DamageError(LOST);
        return found;
      }
      if (raw.type !== COMMIT) {
        found.push(this.#finish(raw, opened, undefined));
        return found;
      }
      if (!isCommit(opened.data)) throw new DamageError('Its commit is incomplete.');
      const members = await readPages(this.#raw, opened.data, decode);
      for (const [index, member] of members.entries()) {
        try {
          found.push(this.#finish(raw, member, index));
        } catch (error) {
          damaged.push(damage(raw, error));
        }
      }
    } catch (error) {
      damaged.push(damage(raw, error));
    }
    return found;
  }

  /** @throws DamageError */
  #finish(raw: RawStored, opened: OpenedRecord, index: number | undefined): LoggedRecord {
    const { stream, revision, position } = raw;
    const { id, type, metadata } = opened;
    const place = { stream, revision, ...(index === undefined ? {} : { index }) };
    const { data, forgotten } = unseal(opened, place, this.#keys);
    const lifted = this.#lift(type, opened.version, data);
    if (!lifted.ok) throw new DamageError(lifted.reason);
    const { version } = lifted;
    const record = {
      id,
      type,
      version,
      data: lifted.data,
      metadata,
      stream,
      revision,
      position,
      index: index ?? 0,
      forgotten,
    };
    // The one place where stored data gets its type: it fitted its schema when it was appended, and the checksum
    // says that it is what was appended.
    return record as LoggedRecord;
  }

  #keep(damaged: DamagedRecord): void {
    const key = `${damaged.position} ${damaged.reason}`;
    if (this.#damaged.size < MAX_KEPT_DAMAGED && !this.#damaged.has(key)) this.#damaged.set(key, damaged);
  }
}

function damage({ position, stream, revision }: RawStored, error: unknown): DamagedRecord {
  if (!(error instanceof DamageError)) throw error;
  return { position, stream, revision, reason: error.message };
}

function isCommit(data: unknown): data is LogCommittedV1 {
  return (
    isObject(data) &&
    typeof data['staging_stream'] === 'string' &&
    typeof data['pages'] === 'number' &&
    typeof data['records'] === 'number' &&
    typeof data['digest'] === 'string'
  );
}
