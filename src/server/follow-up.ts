import { accountConsequences } from '../commands/account-consequences.js';
import type { Cursor } from '../commands/cursor.js';
import { holdLease } from '../read-models/lease.js';
import type { ReadStore } from '../read-models/store.js';
import { pause } from '../runtime/pause.js';
import { uuid } from '../runtime/random.js';
import type { Engine } from './engine.js';
import { forgettingCursors } from './forgetting.js';

/** Milliseconds. */
const CURSOR_PAUSE = 1000;

/** Milliseconds after which a process that is not heard of has lost what it held. */
const LEASE_MS = 6000;

/**
 * Does what follows from what happened, until the signal aborts: one process at a time, which of several holds the
 * lease, if following up is its role at all.
 */
export async function followUp(engine: Engine, store: ReadStore, signal: AbortSignal): Promise<void> {
  const { config, ports } = engine;
  if (config.roles === null) return runCursors(engine, signal);
  if (!config.roles.includes('commands')) return;
  const lease = { name: 'cursors', holder: uuid(ports.random), clock: ports.clock, ttlMs: LEASE_MS };
  await holdLease(store, { ...lease, signal }, (held) => runCursors(engine, held));
}

/** Runs the cursors beside each other; one that fails goes on from where it was after a pause. */
async function runCursors(engine: Engine, signal: AbortSignal): Promise<void> {
  const cursors = [() => accountConsequences(engine.write), ...forgettingCursors(engine)];
  await Promise.all(cursors.map((cursor) => runCursor(engine, cursor, signal)));
}

async function runCursor(
  { loggers, ports }: Engine,
  cursor: () => Pick<Cursor, 'run'>,
  signal: AbortSignal,
): Promise<void> {
  const ended = () => signal.aborted;
  while (!ended()) {
    try {
      await cursor().run(signal);
    } catch (err) {
      if (ended()) return;
      loggers.commands.error({ err }, 'A cursor failed, and is tried again.');
      await pause(ports.clock, CURSOR_PAUSE, signal);
    }
  }
}
