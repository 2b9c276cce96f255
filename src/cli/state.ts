import { AuditError } from '../audit/errors.js';
import { parsePoint, type Point } from '../audit/points.js';
import { auditPorts } from '../audit/replay.js';
import { locate, stateEvents, type Located } from '../audit/state-at.js';
import { stateChanges } from '../audit/state-diff.js';
import type { WalkOptions } from '../audit/room-walk.js';
import { why } from '../audit/why.js';
import { roomStream } from '../commands/aggregates/room.js';
import type { RoomPorts } from '../commands/room/room-session.js';
import { CliError, EXIT, type Io } from './io.js';
import { createProgress } from './progress.js';
import { withLog } from './reading.js';
import { withScratch } from './scratch.js';
import { changesText, stateText } from './state-text.js';
import { whyText } from './why-text.js';

export interface StateOptions {
  readonly config?: string;
  readonly room: string;
  readonly at?: string;
  readonly diff?: readonly string[];
  readonly why?: string;
  readonly json?: boolean;
}

/**
 * `engram state`: a room's state at any moment, what changed between two, and why an event was accepted or refused.
 * Reads the room's stream from its start, beside a running server too.
 */
export async function state(options: StateOptions, io: Io): Promise<number> {
  const questions = [options.at, options.diff, options.why].filter((one) => one !== undefined);
  if (questions.length > 1) throw new CliError('Give one of --at, --diff and --why.', EXIT.usage);
  if (options.diff !== undefined && options.diff.length !== 2) {
    throw new CliError('--diff takes two points: --diff A B.', EXIT.usage);
  }
  try {
    return await withLog(options, io, ({ config, log }) =>
      withScratch(async (scratch) => {
        const ports = auditPorts(log, scratch, config.server_name);
        const walk = progressOf(io, await log.revision(roomStream(options.room)));
        const { json, text } = await answer(ports, options, walk);
        io.stdout.write(options.json === true ? `${JSON.stringify(json, null, 2)}\n` : text);
        return EXIT.ok;
      }),
    );
  } catch (error) {
    throw error instanceof AuditError ? new CliError(error.message) : error;
  }
}

interface Answer {
  readonly json: object;
  readonly text: string;
}

async function answer(ports: RoomPorts, options: StateOptions, walk: WalkOptions): Promise<Answer> {
  const { room } = options;
  if (options.why !== undefined) {
    const told = await why(ports, room, options.why, walk);
    return { json: told, text: whyText(told) };
  }
  if (options.diff !== undefined) {
    const points = options.diff.map((text) => point(text, ports.log.head));
    const { session, located, damaged } = await locate(ports, room, points, walk);
    const [from, to] = located as [Located, Located];
    const changes = await stateChanges(session, from, to);
    return {
      json: { room_id: room, from: shown(from), to: shown(to), damaged, changes },
      text: changesText(from, to, changes) + damagedText(damaged),
    };
  }
  const at = options.at === undefined ? undefined : point(options.at, ports.log.head);
  const { session, located, damaged } = await locate(ports, room, [at], walk);
  const [found] = located as [Located];
  const events = await stateEvents(session, found.root);
  return {
    json: { room_id: room, ...shown(found), damaged, events },
    text: stateText(room, found, events) + damagedText(damaged),
  };
}

function shown({ root, position }: Located): object {
  return { root, position };
}

function damagedText(damaged: number): string {
  return damaged === 0
    ? ''
    : `\n${damaged} records of this room are damaged; what they changed is missing.\n`;
}

function point(text: string, head: number): Point {
  const found = parsePoint(text, head);
  if (found !== undefined) return found;
  const forms = 'an event ID ($...), a position, or a time (2025-01-31T12:00:00Z, or milliseconds)';
  throw new CliError(`${JSON.stringify(text)} is no point in time: give ${forms}.`, EXIT.usage);
}

/** Nothing is shown of what is done in a moment. */
function progressOf(io: Io, last: number): WalkOptions {
  const progress = createProgress({
    output: io.stderr,
    label: 'Reading',
    unit: 'records',
    total: last + 1,
    signal: io.signal,
  });
  const began = performance.now();
  return {
    onRevision: (revision) => {
      io.signal.throwIfAborted();
      if (performance.now() - began > SHOW_AFTER) progress.update(revision + 1);
    },
  };
}

/** Milliseconds. */
const SHOW_AFTER = 2_000;
