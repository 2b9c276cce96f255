import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { EventStoreDbLog, type EventStoreDbLogOptions } from '../../src/log/eventstoredb.js';
import { RecordLog } from '../../src/log/record-log.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { systemClock } from '../../src/runtime/clock.js';
import { systemRandom } from '../../src/runtime/random.js';
import type { LogHarness } from '../contracts/log/tools.js';

/** The server that tests may write to, as a connection string; they leave streams there, under prefixes of their own. */
export const EVENTSTOREDB_URL = process.env['ENGRAM_TEST_EVENTSTOREDB_URL'];

/** Why tests are skipped, for their names. */
export const NO_EVENTSTOREDB = 'skipped: ENGRAM_TEST_EVENTSTOREDB_URL names no server';

/** A prefix that nobody has used. */
export function freshPrefix(): string {
  return `test-${randomUUID()}`;
}

/** A log under a prefix of its own, which can be opened again and again, also by other ways to the same server. */
export function eventStoreDbHarness(url: string): LogHarness & {
  readonly prefix: string;
  readonly keys: SealKeys;
  raw(options?: Partial<EventStoreDbLogOptions>): Promise<EventStoreDbLog>;
} {
  const prefix = freshPrefix();
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
