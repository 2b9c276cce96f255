import { recordedEvent } from '../../projections/recorded-event.js';
import { Scrubber } from '../../projections/scrubber.js';
import type { Cursor } from '../commands/cursor.js';
import { erasures } from '../commands/forgetting/erasures.js';
import { KeyKeeper } from '../commands/forgetting/key-keeper.js';
import { RedactionCursor } from '../commands/forgetting/redactions.js';
import { FORGOTTEN, type Unredacted } from '../queries/unredacted-content.js';
import type { Positions } from '../queries/wait.js';
import { holdLease } from '../read-models/lease.js';
import type { ReadStore } from '../read-models/store.js';
import { isAborted } from '../runtime/aborted.js';
import { PatientTime } from '../runtime/patient-time.js';
import { pause } from '../runtime/pause.js';
import { uuid } from '../runtime/random.js';
import type { Engine } from './engine.js';

/** Milliseconds. */
const PAUSE = 1000;
const LEASE_MS = 6000;
/** Milliseconds that the end of a process waits for the scrubbing of what was just forgotten. */
const LAST_SCRUB = 5000;

/** What follows from redactions and erasures: one process at a time runs these. */
export function forgettingCursors({ write, ports, config }: Engine): (() => Pick<Cursor, 'run'>)[] {
  const { redacted_after: seconds } = config.forgetting;
  const time = new PatientTime(ports.clock);
  const erased = new Set<string>();
  return [
    () => erasures(write, erased),
    ...(seconds === null ? [] : [() => new RedactionCursor(write, seconds * 1000, time)]),
  ];
}

/**
 * Forgets what is to be forgotten, until the signal aborts: this process's keys and what it has at hand, and, if its
 * read models are in files, their remains.
 */
export async function forget(
  engine: Engine,
  store: ReadStore,
  folded: Positions,
  signal: AbortSignal,
): Promise<void> {
  const { write, loggers, ports } = engine;
  const { scrubbing } = store;
  const logger = loggers.projections;
  const scrubber =
    scrubbing === undefined ? undefined : new Scrubber({ scrubbing, clock: ports.clock, logger });
  const keeper = new KeyKeeper({
    ports: write.ports,
    whenFolded: (position, timeoutMs) => folded.whenProcessed(position, timeoutMs),
    onForgotten: (position) => {
      scrubber?.owe(position);
    },
  });
  const repeatedly = async (what: string, run: () => Promise<void>): Promise<void> => {
    while (!isAborted(signal)) {
      try {
        await run();
      } catch (err) {
        if (isAborted(signal)) return;
        loggers.commands.error({ err }, `${what} failed, and is tried again.`);
      }
      await pause(ports.clock, PAUSE, signal);
    }
  };
  await Promise.all([
    repeatedly('Destroying keys of what is forgotten', () => keeper.run(signal)),
    ...(scrubber === undefined
      ? []
      : [repeatedly('Scrubbing', () => whileAlone(engine, store, signal, (held) => scrubber.run(held)))]),
  ]);
  if (scrubber !== undefined && engine.config.roles === null) await scrubOnceMore(scrubber, engine);
}

/** Of several processes one scrubs at a time. */
async function whileAlone(
  { config, ports }: Engine,
  store: ReadStore,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (config.roles === null) return run(signal);
  const lease = {
    name: 'scrubbing',
    holder: uuid(ports.random),
    clock: ports.clock,
    ttlMs: LEASE_MS,
    signal,
  };
  return holdLease(store, lease, run);
}

/** What is still owed is owed at the next start, too; but a folder that was just stopped is what people copy. */
async function scrubOnceMore(scrubber: Scrubber, { ports, loggers }: Engine): Promise<void> {
  const ending = new AbortController();
  const timer = ports.clock.after(LAST_SCRUB, () => {
    ending.abort();
  });
  try {
    await scrubber.finish(ending.signal);
  } catch (err) {
    loggers.projections.warn({ err }, 'Scrubbing was not finished; the next start goes on.');
  } finally {
    timer.cancel();
  }
}

/** Lets queries have the content of an event that was redacted, straight from the log, as long as its key is there. */
export function unredacted({ write, config }: Engine): Unredacted {
  const { redacted_after: seconds } = config.forgetting;
  return {
    keptFor: seconds === null ? undefined : seconds * 1000,
    async event(roomId, eventId) {
      const record = await write.ports.events.record(roomId, eventId);
      if (record === undefined) return undefined;
      return record.forgotten ? FORGOTTEN : recordedEvent(record).json;
    },
  };
}
