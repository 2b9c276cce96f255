import { join } from 'node:path';
import fc from 'fast-check';
import { open } from 'lmdb';
import type { RawLog } from '../../../src/log/adapter.js';
import { LmdbLog } from '../../../src/log/lmdb.js';
import { positionKey } from '../../../src/log/lmdb-format.js';
import type { NewRecord } from '../../../src/log/log.js';
import { START } from '../../../src/log/position.js';
import { RecordLog } from '../../../src/log/record-log.js';
import type { SealKeys } from '../../../src/log/seal-keys.js';
import { systemRandom, uuid } from '../../../src/runtime/random.js';
import { aRecord, largeRecords } from '../../contracts/log/tools.js';
import { ManualClock } from '../../support/manual-clock.js';

/** What happens to a log that is being copied. */
export type Step =
  | { readonly kind: 'append'; readonly stream: string; readonly count: number }
  | { readonly kind: 'staged'; readonly stream: string }
  /** Of a position some records back. */
  | { readonly kind: 'cursor' | 'receipt'; readonly stream: string; readonly back: number }
  | {
      readonly kind: 'retain';
      readonly stream: string;
      readonly keep: number | undefined;
      readonly by: 'count' | 'place';
    }
  | { readonly kind: 'scavenge'; readonly limit: number }
  | { readonly kind: 'damage'; readonly nth: number; readonly how: 'data' | 'frame' | 'stream' | 'gone' }
  /** Copies, and is killed at that append: of those on their way some are written and some are not. */
  | { readonly kind: 'copy'; readonly killedAt: number; readonly written: readonly boolean[] };

const stream = fc.constantFrom('room-a', 'room-b', 'user-a', 'user-b');

/** Histories of appends and all that can come between, damage to stored records included. */
export const someSteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        stream,
        count: fc.integer({ min: 1, max: 6 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('staged' as const), stream }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('cursor' as const, 'receipt' as const),
        stream: fc.constantFrom('cursor-a', 'receipts-a', 'receipts-b'),
        back: fc.nat(20),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('retain' as const),
        stream: fc.oneof(stream, fc.constantFrom('cursor-a', 'receipts-a')),
        keep: fc.option(fc.nat(3), { nil: undefined }),
        by: fc.constantFrom('count' as const, 'place' as const),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('scavenge' as const),
        limit: fc.integer({ min: 1, max: 20 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('damage' as const),
        nth: fc.nat(60),
        how: fc.constantFrom('data' as const, 'frame' as const, 'stream' as const, 'gone' as const),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('copy' as const),
        killedAt: fc.integer({ min: 1, max: 12 }),
        written: fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
      }),
    },
  ),
  { minLength: 5, maxLength: 40 },
);

/** A log in a folder that such steps happen to. */
export class RandomLog {
  readonly #folder: string;
  readonly #keys: SealKeys;
  readonly clock = new ManualClock();
  #raw: LmdbLog;
  #log: RecordLog;
  /** Damaged by a step: position, and where that is known, stream and revision. */
  readonly damaged: { readonly stream: string; readonly revision: number }[] = [];
  #count = 0;

  constructor(folder: string, keys: SealKeys) {
    this.#folder = folder;
    this.#keys = keys;
    [this.#raw, this.#log] = this.#opened();
  }

  get raw(): RawLog {
    return this.#raw;
  }

  get log(): RecordLog {
    return this.#log;
  }

  async happens(step: Exclude<Step, { kind: 'copy' }>): Promise<void> {
    switch (step.kind) {
      case 'append':
        return this.#append(
          step.stream,
          Array.from({ length: step.count }, () => aRecord(`${++this.#count}`)),
        );
      case 'staged':
        return this.#append(step.stream, largeRecords(`${++this.#count} `, 8));
      case 'cursor':
      case 'receipt':
        return this.#append(step.stream, [
          speaking(step.stream, Math.max(START, this.#raw.head - step.back)),
        ]);
      case 'retain': {
        const { keep, by } = step;
        const last = await this.#raw.revision(step.stream);
        const place = { truncateBefore: Math.max(0, last + 1 - (keep ?? 0)) };
        const retention = keep === undefined ? {} : by === 'count' ? { maxCount: keep + 1 } : place;
        return this.#raw.setRetention(step.stream, retention);
      }
      case 'scavenge':
        await this.#raw.scavenge(step.limit);
        return;
      case 'damage':
        return this.#damage(step.nth, step.how);
    }
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  async #append(name: string, records: readonly NewRecord[]): Promise<void> {
    await this.#log.append(name, await this.#raw.revision(name), records);
  }

  #opened(): [LmdbLog, RecordLog] {
    const raw = new LmdbLog({
      folder: this.#folder,
      clock: this.clock,
      random: systemRandom,
      mapSize: 1_048_576,
    });
    return [raw, new RecordLog(raw, { keys: this.#keys, random: systemRandom })];
  }

  async #damage(nth: number, how: Extract<Step, { kind: 'damage' }>['how']): Promise<void> {
    const places: { stream: string; revision: number; position: number }[] = [];
    for await (const { records } of this.#raw.readAll({ direction: 'forwards' })) {
      for (const { stream: name, revision, position } of records)
        places.push({ stream: name, revision, position });
    }
    const place = places[nth % Math.max(1, places.length)];
    if (place === undefined) return;
    await this.#log.close();
    await damageFrame(this.#folder, place.position, how);
    this.damaged.push(place);
    [this.#raw, this.#log] = this.#opened();
  }
}

function speaking(name: string, position: number): NewRecord {
  const common = {
    id: uuid(systemRandom),
    version: 1,
    metadata: { correlation_id: 'c', received_at: 1 },
  } as const;
  if (name.startsWith('cursor')) return { ...common, type: 'cursor.moved', data: { position } };
  const data = { room_id: '!a', event_id: '$e', receipt_type: 'm.read', thread_id: null, ts: 5 } as const;
  return { ...common, type: 'receipt.posted', data: { ...data, event_position: position } };
}

/** Damages what is stored at a position: the data, all of it, the name of its stream; or takes it away. */
async function damageFrame(folder: string, position: number, how: string): Promise<void> {
  const root = open<Buffer, Buffer>(join(folder, 'log.mdb'), {
    noSubdir: true,
    maxDbs: 8,
    overlappingSync: false,
  });
  const records = root.openDB<Buffer, Buffer>('records', { encoding: 'binary', keyEncoding: 'binary' });
  const bytes = records.getBinary(positionKey(position));
  if (bytes !== undefined && how !== 'gone') {
    const typeBytes = bytes.readUInt8(33);
    const at = how === 'frame' ? 0 : how === 'stream' ? 40 + typeBytes + 1 : bytes.byteLength - 10;
    // What is nowhere else, so that damage never heals by being done again.
    bytes.writeUInt8(0xff, at);
    records.putSync(positionKey(position), bytes);
  } else {
    records.removeSync(positionKey(position));
  }
  await root.close();
}
