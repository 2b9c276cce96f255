import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NEVER } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { RawBatch, RawLog } from '../../src/log/adapter.js';
import { decode } from '../../src/log/codec.js';
import type { DamagedRecord, LoggedRecord } from '../../src/log/log.js';
import { RecordReader } from '../../src/log/record-reader.js';
import { recordSchemaFolder } from '../../src/log/schemas.js';
import { makeSample, SAMPLE_KEYS, type StoredSample } from '../support/record-samples.js';

/*
 * One stored sample of every record type and version there ever was, and what it reads as. Samples are never
 * changed. `ENGRAM_WRITE_SAMPLES=1 npx vitest run test/log/samples.test.ts` writes those that are missing; where a
 * record is lifted to a newer version, what it reads as changes, and only that part of a sample is edited.
 */
const FOLDER = fileURLToPath(new URL('../fixtures/records', import.meta.url));

interface Sample {
  readonly stored: readonly StoredSample[];
  readonly read: readonly unknown[];
}

const schemas = readdirSync(recordSchemaFolder())
  .filter((name) => name.endsWith('.json'))
  .sort();

/** A store that holds these records at positions 1, 2... */
function storeOf(samples: readonly StoredSample[]): RawLog {
  const records = samples.map((sample, i) => ({
    ...sample,
    data: Buffer.from(sample.data),
    metadata: Buffer.from(sample.metadata),
    position: i + 1,
  }));
  async function* give(stream?: string): AsyncGenerator<RawBatch> {
    const found = records.filter((record) => stream === undefined || record.stream === stream);
    yield { records: found, damaged: [], position: records.length };
  }
  const refuse = async (): Promise<never> => {
    throw new Error('Samples are only read.');
  };
  return {
    epoch: 'samples',
    head: records.length,
    heads: NEVER,
    end: refuse,
    appendsInOrder: 0,
    append: refuse,
    revision: refuse,
    readStream: (stream) => give(stream),
    readAll: () => give(),
    setRetention: refuse,
    retention: refuse,
    retained: () => {
      throw new Error('Samples are only read.');
    },
    endEpoch: refuse,
    close: refuse,
  };
}

async function readSample(
  stored: readonly StoredSample[],
): Promise<{ records: LoggedRecord[]; damaged: DamagedRecord[] }> {
  const raw = storeOf(stored);
  const records: LoggedRecord[] = [];
  const damaged: DamagedRecord[] = [];
  for await (const batch of new RecordReader(raw, SAMPLE_KEYS, () => undefined).read(
    raw.readAll({ direction: 'forwards' }),
    'forwards',
  )) {
    records.push(...batch.records);
    damaged.push(...batch.damaged);
  }
  return { records, damaged };
}

async function writeMissing(name: string): Promise<void> {
  const file = join(FOLDER, name);
  if (existsSync(file)) return;
  const [, type = '', version = ''] = /^(.*)\.v([0-9]+)\.json$/.exec(name) ?? [];
  const schema = JSON.parse(readFileSync(join(recordSchemaFolder(), name), 'utf8')) as Parameters<
    typeof makeSample
  >[2];
  const stored = makeSample(type, Number(version), schema);
  const { records } = await readSample(stored);
  writeFileSync(file, `${JSON.stringify({ stored, read: records }, undefined, 2)}\n`);
}

describe('stored samples', () => {
  test.each(schemas)('%s', async (name) => {
    if (process.env['ENGRAM_WRITE_SAMPLES'] === '1') await writeMissing(name);
    expect(existsSync(join(FOLDER, name)), `test/fixtures/records has no sample ${name}`).toBe(true);
    const { stored, read } = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Sample;
    const last = stored.at(-1);
    expect(last?.type).toBe(name.replace(/\.v[0-9]+\.json$/, ''));
    for (const [i, sample] of stored.entries()) {
      const bytes = { data: Buffer.from(sample.data), metadata: Buffer.from(sample.metadata) };
      const opened = decode({ ...sample, ...bytes, position: i + 1 });
      if (sample === last) expect(`${opened.type}.v${opened.version}.json`).toBe(name);
    }
    expect(await readSample(stored)).toStrictEqual({ records: read, damaged: [] });
  });

  test('are of versions that have a schema still', () => {
    expect(readdirSync(FOLDER).sort()).toStrictEqual(schemas);
  });
});
