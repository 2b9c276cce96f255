import { LogFormatError } from './errors.js';
import type { Log } from './log.js';
import { RECORD_VERSIONS } from './records.js';

/** The stream of what concerns the whole server. */
export const SERVER_STREAM = 'server';

/** What this program writes, each as type and newest version: `server.initialised.v1`. */
export const WRITTEN_RECORDS: readonly string[] = Object.entries(RECORD_VERSIONS).map(
  ([type, version]) => `${type}.v${version}`,
);

/**
 * Refuses a log that may hold records which this program cannot read: to an older program they look like damage, and
 * what it made of the rest would be wrong.
 *
 * @returns what the log says that it may hold
 * @throws LogFormatError
 */
export async function requireKnownRecords(log: Pick<Log, 'read'>): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for await (const batch of log.read(SERVER_STREAM)) {
    for (const record of batch.records) {
      if (record.type === 'server.upgraded') for (const name of record.data.records) held.add(name);
    }
  }
  const unknown = [...held].filter((name) => !isKnown(name));
  if (unknown.length > 0) {
    throw new LogFormatError(
      `The log was written by a newer version of Engram, and may hold what this one cannot read (${unknown.join(', ')}): ` +
        'use that version, or restore a backup from before it.',
    );
  }
  return held;
}

function isKnown(name: string): boolean {
  const [, type = '', version] = /^(.*)\.v(\d+)$/.exec(name) ?? [];
  const newest: number | undefined = Object.hasOwn(RECORD_VERSIONS, type)
    ? RECORD_VERSIONS[type as keyof typeof RECORD_VERSIONS]
    : undefined;
  return newest !== undefined && Number(version) <= newest;
}
