import { auditPorts } from '../audit/replay.js';
import type { Finding } from '../audit/verify/finding.js';
import { Verifier, type VerifyCounts } from '../audit/verify/verifier.js';
import { roomStream } from '../commands/aggregates/room.js';
import type { Config } from '../config.js';
import type { Log, RecordBatch } from '../log/log.js';
import { VerifyKey } from '../protocol/keys.js';
import type { VerifyKeys } from '../protocol/signatures.js';
import { requireWholeLog } from '../stores.js';
import { CliError, EXIT, type Io } from './io.js';
import { createProgress } from './progress.js';
import { positionUnit, readSigningKey, withLog, type Reading } from './reading.js';
import { withScratch } from './scratch.js';
import { printable } from './table.js';

export interface VerifyOptions {
  readonly config?: string;
  readonly room?: string;
  /** A position. */
  readonly from?: number;
  readonly json?: boolean;
}

/** So many findings are listed in JSON; all are counted. */
const MOST_LISTED = 10_000;

/**
 * `engram verify`: reads the log again and takes every decision afresh. Works beside a running server, up to where
 * the log was when it began. Exit code 1 when anything was found.
 */
export async function verify(options: VerifyOptions, io: Io): Promise<number> {
  return withLog(options, io, async ({ config, log }) => {
    await requireWholeLog(config);
    await requireOurs(log, config.server_name);
    return withScratch(async (scratch) => {
      const listed: Finding[] = [];
      const verifier = new Verifier(auditPorts(log, scratch, config.server_name), {
        keysOf: keysOf(config),
        ...(options.from === undefined ? {} : { from: options.from }),
        onFinding: (finding) => {
          if (listed.length < MOST_LISTED) listed.push(finding);
          if (options.json !== true) io.stdout.write(findingLine(finding));
        },
      });
      const began = performance.now();
      const position = await run(verifier, { config, log }, options, io);
      const seconds = (performance.now() - began) / 1000;
      const { counts } = verifier;
      if (options.json === true) {
        const report = { complete: !io.signal.aborted, position, seconds, ...snakeCase(counts), listed };
        io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      } else io.stdout.write(summary(counts, position, seconds));
      if (io.signal.aborted) {
        io.stderr.write(`To go on: engram verify --from ${position + 1}\n`);
        io.signal.throwIfAborted();
      }
      return counts.findings > 0 ? EXIT.failed : EXIT.ok;
    });
  });
}

/** Under another name nothing would be ours, and no signature checked. @throws CliError */
async function requireOurs(log: Log, serverName: string): Promise<void> {
  for await (const { records } of log.read('server', { limit: 1 })) {
    for (const record of records) {
      if (record.type !== 'server.initialised' || record.data.server_name === serverName) return;
      const { server_name: owner } = record.data;
      throw new CliError(
        `This log belongs to the server ${owner}, and the configuration says ${serverName}.`,
      );
    }
  }
}

/** Verifies until the end or an interruption; gives the position that it came to. */
async function run(
  verifier: Verifier,
  { config, log }: Reading,
  { room }: VerifyOptions,
  io: Io,
): Promise<number> {
  const source: AsyncIterable<RecordBatch> = room === undefined ? log.readAll() : log.read(roomStream(room));
  const last = room === undefined ? log.head : await log.revision(roomStream(room));
  if (room !== undefined && last < 0) throw new CliError(`No room ${room} is known here.`);
  const unit = room === undefined ? positionUnit(config) : 'records';
  const progress = createProgress({ output: io.stderr, label: 'Verifying', unit, total: last });
  let position = 0;
  for await (const batch of source) {
    await verifier.take(batch);
    position = batch.position;
    const done = room === undefined ? position : (batch.records.at(-1)?.revision ?? 0);
    progress.update(Math.min(done, last));
    if (io.signal.aborted) break;
  }
  if (!io.signal.aborted) await verifier.finish();
  progress.finish();
  return position;
}

/** Our own keys. Those of other servers are not kept, so their signatures are counted as unchecked. */
function keysOf(config: Config): (server: string) => VerifyKeys | undefined {
  const signing = readSigningKey(config);
  const key = signing === undefined ? undefined : VerifyKey.from(signing.publicKey);
  if (signing === undefined || key === undefined) return () => undefined;
  const ours: VerifyKeys = new Map([[signing.id, key]]);
  return (server) => (server === config.server_name ? ours : undefined);
}

function findingLine({ kind, position, stream, revision, event_id, reason }: Finding): string {
  const where = stream === null ? '' : ` (${stream}${revision === null ? '' : ` at ${revision}`})`;
  const event = event_id === null ? '' : ` ${event_id}`;
  return `${printable(`position ${position}${where}${event}: ${kind}: ${reason}`)}\n`;
}

function summary(counts: VerifyCounts, position: number, seconds: number): string {
  const number = (value: number) => value.toLocaleString('en');
  const rate = number(Math.round(counts.records / Math.max(seconds, 0.001)));
  const lines = [
    `Read ${number(counts.records)} records (${number(counts.events)} events) up to position ${number(position)} ` +
      `in ${seconds.toFixed(1)} s: ${rate} records/s.`,
    ...forgotten(counts.contentsForgotten),
    ...unchecked(counts.contentsRedacted, 'contents that were redacted on receipt'),
    ...unchecked(
      counts.signaturesUnchecked,
      "signatures under keys that are not known here, such as other servers'",
    ),
    ...unchecked(counts.decisionsUnchecked, 'decisions that rest on what is forgotten or missing'),
    counts.findings === 0
      ? 'Every record is whole, and every decision would be taken again.'
      : `${number(counts.findings)} ${counts.findings === 1 ? 'finding' : 'findings'}.`,
  ];
  return `${lines.join('\n')}\n`;
}

/** What redaction leaves of these is checked as ever: format, ID, signatures, decisions. */
function forgotten(count: number): string[] {
  if (count === 0) return [];
  return [`Forgotten: the content of ${count.toLocaleString('en')} ${count === 1 ? 'event' : 'events'}.`];
}

function unchecked(count: number, what: string): string[] {
  return count === 0 ? [] : [`Not checked: ${count.toLocaleString('en')} ${what}.`];
}

function snakeCase(counts: VerifyCounts): object {
  return Object.fromEntries(
    Object.entries(counts).map(([key, value]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value as number,
    ]),
  );
}
