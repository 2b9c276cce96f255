import { roomStream } from '../commands/aggregates/room.js';
import { userStream } from '../commands/aggregates/user.js';
import type { DamagedRecord, Log, LoggedRecord, RecordBatch } from '../log/log.js';
import { RECORD_TYPES } from '../log/records.js';
import { CliError, EXIT, type Io } from './io.js';
import { LineWriter } from './lines.js';
import { withLog } from './reading.js';

export interface LogCatOptions {
  readonly config?: string;
  readonly stream?: string;
  readonly room?: string;
  readonly user?: string;
  readonly type?: readonly string[];
  /** Positions, inclusive. */
  readonly from?: number;
  readonly to?: number;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/**
 * `engram log cat`: records as newline-delimited JSON, in the order of the log. Works beside a running server; holds
 * one batch in memory.
 */
export async function logCat(options: LogCatOptions, io: Io): Promise<number> {
  const stream = streamOf(options);
  for (const type of options.type ?? []) checkType(type);
  await withLog(options, io, ({ log }) => print(batches(log, stream, options), options, io));
  return EXIT.ok;
}

function streamOf({ stream, room, user }: LogCatOptions): string | undefined {
  const named = [
    stream,
    room === undefined ? undefined : roomStream(room),
    user === undefined ? undefined : userStream(user),
  ].filter((name) => name !== undefined);
  if (named.length > 1) throw new CliError('Give one of --stream, --room and --user.', EXIT.usage);
  return named[0];
}

function checkType(type: string): void {
  if (RECORD_TYPES.some((known) => known === type)) return;
  throw new CliError(
    `There is no record type ${JSON.stringify(type)}. There are: ${RECORD_TYPES.join(', ')}.`,
    EXIT.usage,
  );
}

function batches(
  log: Log,
  stream: string | undefined,
  { from, to, reverse }: LogCatOptions,
): AsyncIterable<RecordBatch> {
  const direction = reverse === true ? 'backwards' : 'forwards';
  if (stream !== undefined) return log.read(stream, { direction });
  return log.readAll({
    direction,
    ...(from === undefined ? {} : { after: from - 1 }),
    ...(to === undefined ? {} : { before: to + 1 }),
  });
}

async function print(
  source: AsyncIterable<RecordBatch>,
  { from = -Infinity, to = Infinity, limit = Infinity, reverse = false, type }: LogCatOptions,
  io: Io,
): Promise<void> {
  const types = type === undefined ? undefined : new Set<string>(type);
  const lines = new LineWriter(io.stdout);
  let written = 0;
  try {
    for await (const batch of source) {
      for (const entry of inOrder(batch, reverse)) {
        io.signal.throwIfAborted();
        if (entry.position < from || entry.position > to) {
          if (reverse ? entry.position < from : entry.position > to) return;
          continue;
        }
        // Nobody knows what a damaged record was.
        if (types !== undefined && 'type' in entry && !types.has(entry.type)) continue;
        await lines.line(JSON.stringify('type' in entry ? shown(entry) : damaged(entry)));
        if (++written >= limit) return;
      }
    }
  } finally {
    await lines.flush();
  }
}

/** Damaged records among the others, where they lie. */
function inOrder({ records, damaged }: RecordBatch, reverse: boolean): (LoggedRecord | DamagedRecord)[] {
  if (damaged.length === 0) return [...records];
  const all = [...records, ...damaged];
  return all.sort((a, b) => (reverse ? b.position - a.position : a.position - b.position));
}

/** `forgotten` is there where sealed fields are missing because their key was destroyed. */
function shown(record: LoggedRecord): object {
  const { position, stream, revision, index, type, version, id, metadata, data, forgotten } = record;
  return {
    position,
    stream,
    revision,
    index,
    type,
    version,
    id,
    metadata,
    data,
    ...(forgotten ? { forgotten: true } : {}),
  };
}

function damaged({ position, stream, revision, reason }: DamagedRecord): object {
  return { damaged: true, position, stream: stream ?? null, revision: revision ?? null, reason };
}
