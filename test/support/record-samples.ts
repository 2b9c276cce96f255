import { encode, recordText } from '../../src/log/codec.js';
import type { JsonObject } from '../../src/log/json.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { seal } from '../../src/log/sealing.js';
import { commitRecord, toPages } from '../../src/log/staging.js';

/** A record as it is stored; data and metadata are its very bytes, as UTF-8 text. */
export interface StoredSample {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

/** The keys of all samples. */
export const SAMPLE_KEYS = SealKeys.ephemeral({ bytes: (length) => new Uint8Array(length).fill(7) });

const METADATA = {
  correlation_id: 'correlation',
  causation_id: '00000000-0000-4000-8000-00000000000c',
  origin: 'example.org',
  received_at: 1_700_000_000_000,
};
const ID = '00000000-0000-4000-8000-00000000000a';
const STREAM = 'sample';

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minLength?: number;
}

/** Data that has every property of its schema. */
function dataFor(schema: Schema): unknown {
  if (schema.enum !== undefined) return schema.enum[0];
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  switch (type) {
    case 'object': {
      if (schema.properties === undefined)
        return { type: 'm.example', content: { body: 'grüß dich \u{1F600}' } };
      const entries = Object.entries(schema.properties);
      return Object.fromEntries(entries.map(([name, property]) => [name, dataFor(property)]));
    }
    case 'array':
      return schema.items === undefined ? [] : [dataFor(schema.items)];
    case 'integer':
      return 1_700_000_000_001;
    case 'boolean':
      return true;
    case 'string':
      return 'sample'.padEnd(schema.minLength ?? 0, '-');
    default:
      throw new Error(`No sample is known for ${JSON.stringify(schema)}.`);
  }
}

/** What the program of today stores for a record type and version: written once, then kept for good. */
export function makeSample(type: string, version: number, schema: Schema): readonly StoredSample[] {
  if (type === 'log.page' || type === 'log.committed') {
    const { pages, commit } = stagedSample();
    return type === 'log.page' ? pages : [...pages, commit];
  }
  const place = { stream: STREAM, revision: 5 };
  const data = dataFor(schema) as JsonObject;
  const sealed = seal({ id: ID, type, version, data }, place, SAMPLE_KEYS, {
    bytes: (n) => new Uint8Array(n).fill(9),
  });
  return [stored(encode(recordText(ID, type, version, sealed, METADATA), STREAM, 5), STREAM, 5)];
}

function stagedSample(): { readonly pages: readonly StoredSample[]; readonly commit: StoredSample } {
  const type = 'profile.changed';
  const texts = [0, 1].map((index) => {
    const id = `00000000-0000-4000-8000-00000000001${index}`;
    const record = { id, type, version: 1, data: { fields: { displayname: `name ${index}` } } };
    const place = { stream: STREAM, revision: 5, index };
    const sealed = seal(record, place, SAMPLE_KEYS, { bytes: (n) => new Uint8Array(n).fill(index) });
    return recordText(id, type, 1, sealed, METADATA);
  });
  const staging = 'staging-00000000-0000-4000-8000-00000000000b';
  const { pages, commit } = toPages(texts, staging, METADATA, () => '00000000-0000-4000-8000-00000000000d');
  return {
    pages: pages.map((page, revision) => stored(page, staging, revision)),
    commit: stored(commitRecord(commit, ID, STREAM, 5, METADATA), STREAM, 5),
  };
}

function stored(raw: ReturnType<typeof encode>, stream: string, revision: number): StoredSample {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  return { stream, revision, id: raw.id, type: raw.type, data: text(raw.data), metadata: text(raw.metadata) };
}
