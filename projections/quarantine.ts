import type { LoggedRecord } from '../src/log/log.js';
import type { CollectionDefinition } from '../src/read-models/store.js';

/** A record that a projection could not fold: passed over, kept here for the operator. */
export type QuarantinedRecord = {
  readonly projection: string;
  readonly position: number;
  /** The record's place among those of its position. */
  readonly index: number;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  /** The error's name and message, cut to 1,000 characters. It may quote the record, so it is not for logs. */
  readonly error: string;
};

/** Where a projection's quarantined records are; part of each of its versions, and dropped with them. */
export function quarantineOf(projection: string): CollectionDefinition<QuarantinedRecord> {
  return {
    name: `quarantine.${projection}`,
    projection,
    key: (record) => [record.position, record.index],
    indexes: {},
    fields: { key: ['position', 'index'], indexes: {} },
  };
}

export function quarantined(projection: string, record: LoggedRecord, error: unknown): QuarantinedRecord {
  const { position, index, stream, revision, type } = record;
  return { projection, position, index, stream, revision, type, error: String(error).slice(0, 1000) };
}
