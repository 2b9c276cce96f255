import { join } from 'node:path';
import { loadConfig } from '../config.js';
import { dataFolders } from '../config/data-folders.js';
import { isEphemeralStream } from '../ephemeral/streams.js';
import type { RawLog } from '../log/adapter.js';
import { CopyRefusedError } from '../log/copy/errors.js';
import { leavingOut } from '../log/copy/leaving-out.js';
import { LogCopy } from '../log/copy/log-copy.js';
import { LogFormatError, LogUnavailableError } from '../log/errors.js';
import { requireKnownRecords, SERVER_STREAM } from '../log/known-records.js';
import { START } from '../log/position.js';
import { RecordLog } from '../log/record-log.js';
import { SealKeys } from '../log/seal-keys.js';
import { WRONG_KEY } from '../log/sealing.js';
import { systemClock } from '../runtime/clock.js';
import { systemRandom } from '../runtime/random.js';
import { configuredLog, openRawLog, openRawLogForReading } from '../stores.js';
import { areSameKeys, readKeys, refuseOtherKeys, SEAL_KEY, writeKeys, type Keys } from './copied-keys.js';
import { follow } from './following.js';
import { CliError, EXIT, type Io } from './io.js';
import { report } from './log-copy-report.js';
import { isSamePlace, named, parseLogPlace, type NamedLog } from './log-place.js';
import { createProgress, type Progress } from './progress.js';

export interface LogCopyOptions {
  readonly config?: string;
  /** As `parseLogPlace` takes it; by default the configured log. */
  readonly from?: string;
  readonly to: string;
  readonly follow?: boolean;
  /** Compare only what was copied now. */
  readonly quick?: boolean;
}

const SYSTEM = { clock: systemClock, random: systemRandom };

/** Milliseconds for which a server is waited for, and a disk that is full. */
const SERVER_PATIENCE = 300_000;
const DISK_PATIENCE = 5_000;

/** How often keys may change while the rest of the log is copied, before that is given up. */
const MOST_TRIES = 50;

/**
 * `engram log copy`: a log to another place, whatever stores either, also while a server writes it, and the keys with
 * it where both places are data folders: a backup, or the way to another adapter.
 */
export async function logCopy(options: LogCopyOptions, io: Io): Promise<number> {
  const from = source(options, io);
  const to = parseLogPlace(options.to, io.cwd);
  if (isSamePlace(from.place, to.place)) {
    throw new CliError('The log would be copied into itself.', EXIT.usage);
  }
  // What is asked for at the end must not be missing then.
  const keysFrom = to.keys === undefined ? undefined : from.keys;
  if (keysFrom !== undefined) readKeys(keysFrom);
  try {
    const here = leavingOut(await openRawLogForReading(from.place, SYSTEM), isEphemeralStream);
    try {
      await checkSource(here, keysFrom);
      const there = await openRawLog(to.place, SYSTEM);
      try {
        return await copy({ from, to, here, there }, options, io);
      } finally {
        await there.close();
      }
    } finally {
      await here.close();
    }
  } catch (error) {
    if (error === io.signal.reason) io.stderr.write('It goes on from here when it is called again.\n');
    throw plain(error);
  }
}

/** The log to be copied; the keys of one on a server are where the configuration says. */
function source({ config: file, from }: LogCopyOptions, io: Io): NamedLog {
  const given = from === undefined ? undefined : parseLogPlace(from, io.cwd);
  if (given?.keys !== undefined) return given;
  const config = loadConfig({ file, env: io.env, cwd: io.cwd });
  const { keys } = dataFolders(config);
  return given === undefined ? named(configuredLog(config), keys) : { ...given, keys };
}

/**
 * A log of which not every record is known could not be copied rightly, nor opened with keys that are not its own.
 *
 * @throws LogFormatError
 */
async function checkSource(here: RawLog, keysFrom: string | undefined): Promise<void> {
  const { random } = SYSTEM;
  const keys =
    keysFrom === undefined ? SealKeys.ephemeral(random) : SealKeys.open(join(keysFrom, SEAL_KEY), random);
  const log = new RecordLog(here, { keys, random });
  await requireKnownRecords(log);
  if (keysFrom === undefined) return;
  for await (const { damaged } of log.read(SERVER_STREAM)) {
    if (damaged.every(({ reason }) => reason !== WRONG_KEY)) continue;
    throw new LogFormatError(
      `The keys in ${keysFrom} are not those of this log: --config has to be that of its server.`,
    );
  }
}

interface Places {
  readonly from: NamedLog;
  readonly to: NamedLog;
  readonly here: RawLog;
  readonly there: RawLog;
}

async function copy(places: Places, options: LogCopyOptions, io: Io): Promise<number> {
  const { from, to, here, there } = places;
  const isOnServer = [from, to].some(({ place }) => place.adapter === 'eventstoredb');
  const began = performance.now();
  const telling = new Telling(from, here, io);
  const copying = await LogCopy.begin({
    source: here,
    target: there,
    clock: systemClock,
    patience: isOnServer ? SERVER_PATIENCE : DISK_PATIENCE,
    onProgress: (position) => {
      telling.at(position);
    },
    onWaiting: (error) => {
      telling.waiting(error);
    },
  });
  const start = copying.position;
  const readFrom = to.keys === undefined ? undefined : from.keys;
  const keys = readFrom === undefined ? undefined : () => readKeys(readFrom);
  if (keys !== undefined && to.keys !== undefined && !copying.isResumed) refuseOtherKeys(to.keys, keys());

  io.stderr.write(`Copying the log of ${from.name} to ${to.name}.\n`);
  await telling.during('Copying', io.signal, () => copying.catchUp());
  const end = options.follow === true ? await follow(from, here, copying, io) : undefined;
  // Told to end, it ends with a whole copy; told once more, at once.
  const signal = end === undefined ? io.signal : undefined;
  try {
    const taken = await telling.during(undefined, signal, () => copyRest(copying, keys));
    if (taken !== undefined && to.keys !== undefined) writeKeys(to.keys, taken);
    const copiedMs = performance.now() - began;
    const after = options.quick === true ? start : START;
    const comparison = await telling.during('Comparing', signal, () => copying.compare(after));
    const comparedMs = performance.now() - began - copiedMs;
    io.stdout.write(report({ from, to, counts: copying.counts, comparison, copiedMs, comparedMs }));
    if (end !== undefined) io.stdout.write(`${end.message}\n`);
    return comparison.differing > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    end?.release();
  }
}

/**
 * Copies what has come meanwhile, so far that it fits the keys: all whose keys were destroyed are in the log, and their
 * keys are in no copy.
 */
async function copyRest(copying: LogCopy, read: (() => Keys) | undefined): Promise<Keys | undefined> {
  let keys = read?.();
  for (let tries = 0; ; tries++) {
    await copying.catchUp();
    const now = read?.();
    if (keys === undefined || now === undefined || areSameKeys(keys, now)) return now;
    if (tries === MOST_TRIES)
      throw new CliError('The keys change faster than the log can be copied. Try again.');
    keys = now;
  }
}

/** Milliseconds in which the same trouble is not told again. */
const REPEATED = 30_000;

/** Shows progress, and interrupts where the person wants it: between two steps, to be gone on with another time. */
class Telling {
  readonly #here: RawLog;
  readonly #io: Io;
  /** What positions count, in the source. */
  readonly #unit: string;
  #progress: Progress | undefined;
  #signal: AbortSignal | undefined;
  #toldAt = -Infinity;

  constructor(from: NamedLog, here: RawLog, io: Io) {
    this.#here = here;
    this.#io = io;
    this.#unit = from.place.adapter === 'lmdb' ? 'records' : 'bytes';
  }

  async during<T>(
    label: string | undefined,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const { stderr: output } = this.#io;
    this.#signal = signal;
    if (label !== undefined) this.#progress = createProgress({ output, label, unit: this.#unit });
    try {
      return await work();
    } finally {
      this.#progress?.finish();
      this.#progress = undefined;
      this.#signal = undefined;
    }
  }

  at(position: number): void {
    this.#signal?.throwIfAborted();
    this.#progress?.update(Math.max(0, position), Math.max(0, this.#here.head));
  }

  waiting({ message }: Error): void {
    this.#signal?.throwIfAborted();
    const now = performance.now();
    if (now - this.#toldAt < REPEATED) return;
    this.#toldAt = now;
    this.#io.stderr.write(`${message} It is tried again.\n`);
  }
}

function plain(error: unknown): unknown {
  if (
    error instanceof CopyRefusedError ||
    error instanceof LogFormatError ||
    error instanceof LogUnavailableError
  ) {
    return new CliError(error.message);
  }
  return error;
}
