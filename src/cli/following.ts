import { setTimeout as pause } from 'node:timers/promises';
import type { RawLog } from '../log/adapter.js';
import type { LogCopy } from '../log/copy/log-copy.js';
import { LogFormatError } from '../log/errors.js';
import { holderOf, lockFolder } from '../log/folder-lock.js';
import type { Io } from './io.js';
import type { NamedLog } from './log-place.js';

/** Milliseconds between two looks for what is new. */
const POLL = 200;

/** Why following has ended. */
export interface FollowEnd {
  /** For the person. */
  readonly message: string;
  /** Lets servers write the source again: where none did any more, it was held. */
  release(): void;
}

/**
 * Goes on copying what a server writes until it has stopped, where that can be seen (an embedded log), or the person
 * wants to end. An embedded log that no server writes is held from then on, so that none starts on it before the copy
 * is whole.
 */
export async function follow(from: NamedLog, here: RawLog, copying: LogCopy, io: Io): Promise<FollowEnd> {
  const { place, name } = from;
  const isEnded = (): boolean => io.signal.aborted;
  const isServed = (): boolean => place.adapter === 'eventstoredb' || holderOf(place.folder) !== undefined;
  if (isServed()) io.stderr.write(`The copy has caught up, and follows ${name}.\n`);
  for (;;) {
    while (isServed() && !isEnded()) {
      await copying.advance();
      while (here.head <= copying.position && isServed() && !isEnded()) await nap(io.signal);
    }
    if (place.adapter === 'eventstoredb') return { message: serverTold(name), release: () => undefined };
    if (isServed()) return { message: told(name), release: () => undefined };
    const release = hold(place.folder);
    if (release !== undefined) {
      return { message: `No server writes ${name} any more: the copy has all of it.`, release };
    }
  }
}

function told(name: string): string {
  return `A server still writes ${name}: what it writes from now on is not in the copy.`;
}

function serverTold(name: string): string {
  return `The copy has what was in ${name} until now. What servers that still run write there is not in it.`;
}

/** Takes the folder, so that no server does; undefined where one was faster. */
function hold(folder: string): (() => void) | undefined {
  try {
    return lockFolder(folder).release;
  } catch (error) {
    if (error instanceof LogFormatError) return undefined;
    // A folder that cannot be written, no server writes either.
    if (error instanceof Error && 'code' in error) return () => undefined;
    throw error;
  }
}

async function nap(signal: AbortSignal): Promise<void> {
  await pause(POLL, undefined, { signal }).catch(() => undefined);
}
