import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, test } from 'vitest';
import { EventStoreDbLog, type EventStoreDbLogOptions } from '../../src/log/eventstoredb.js';
import type { RawBatch, RawRecord, RawStored } from '../../src/log/adapter.js';
import { RecordLog } from '../../src/log/record-log.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { systemClock } from '../../src/runtime/clock.js';
import { systemRandom, uuid } from '../../src/runtime/random.js';
import type { LogHarness } from '../contracts/log/tools.js';
import { openGate, type TcpGate } from './tcp-gate.js';

/** The server that tests may write to, as a connection string; they leave streams there, under prefixes of their own. */
const EVENTSTOREDB_URL = process.env['ENGRAM_TEST_EVENTSTOREDB_URL'];

/** Tests that need a server; without one they are skipped, and say so. */
export function onEventStoreDb(name: string, tests: (url: string) => void): void {
  const url = EVENTSTOREDB_URL;
  if (url === undefined || url === '') {
    test.skip(`${name} (skipped: ENGRAM_TEST_EVENTSTOREDB_URL names no server)`);
  } else {
    describe(name, () => {
      tests(url);
    });
  }
}

/** A prefix that nobody has used. */
export function freshPrefix(): string {
  return `test-${randomUUID()}`;
}

export interface EventStoreDbHarness extends LogHarness {
  readonly prefix: string;
  readonly keys: SealKeys;
  /** Opens the store of bytes. */
  raw(options?: Partial<EventStoreDbLogOptions>): Promise<EventStoreDbLog>;
}

/** A log under a prefix of its own, which can be opened again and again, also by other ways to the same server. */
export function eventStoreDbHarness(url: string, prefix = freshPrefix()): EventStoreDbHarness {
  const keys = SealKeys.ephemeral(systemRandom);
  const raw = (options: Partial<EventStoreDbLogOptions> = {}): Promise<EventStoreDbLog> =>
    EventStoreDbLog.open({ url, prefix, clock: systemClock, random: systemRandom, ...options });
  return {
    prefix,
    keys,
    raw,
    open: async (wrap) => {
      const opened = await raw();
      return new RecordLog(wrap?.(opened) ?? opened, { keys, random: systemRandom });
    },
    // Twice the least that leaves a second to the slowest machine.
    maxAge: 6,
    // The server goes by its own clock, which nobody can move.
    advance: (milliseconds) => pause(milliseconds),
    dispose: async () => undefined,
  };
}

/** A gate to the server, and the connection string that leads through it. The server has to be on this machine. */
export async function gateTo(url: string): Promise<{ readonly gate: TcpGate; readonly url: string }> {
  const [, before = '', host = ''] = /^(esdb:\/\/(?:[^@/?]+@)?)([^@/?,]+)/.exec(url) ?? [];
  const gate = await openGate(Number(host.split(':')[1] ?? 2113));
  return { gate, url: `${before}127.0.0.1:${gate.port}${url.slice(before.length + host.length)}` };
}

/** A record as bytes; its type says which one it is. */
export function rawRecord(type: string, bytes = 10): RawRecord {
  return {
    id: uuid(systemRandom),
    type,
    data: new Uint8Array(Buffer.from(`{"n":"${'x'.repeat(Math.max(0, bytes - 8))}"}`)),
    metadata: new Uint8Array(Buffer.from('{"version":1}')),
  };
}

export async function collectRaw(batches: AsyncIterable<RawBatch>): Promise<RawStored[]> {
  const records: RawStored[] = [];
  for await (const batch of batches) records.push(...batch.records);
  return records;
}

export async function typesOf(batches: AsyncIterable<RawBatch>): Promise<string[]> {
  return (await collectRaw(batches)).map(({ type }) => type);
}
