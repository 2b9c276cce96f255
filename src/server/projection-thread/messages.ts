import type { MessagePort } from 'node:worker_threads';
import type { ProjectionProgress } from '../../../projections/runner.js';
import type { Topics } from '../../../projections/topics.js';
import type { Config } from '../../config.js';
import type { Position } from '../../log/position.js';

/** What the thread is started with. */
export interface ThreadData {
  readonly config: Config;
  /** Of the log. */
  readonly epoch: string;
  readonly head: Position;
}

/** To the thread. */
export type Request =
  /** Builds everything again; `count` says how often that was asked for. */
  | { readonly kind: 'rebuild'; readonly count: number }
  /** Ends after the write that is under way. */
  | { readonly kind: 'stop' };

/** From the thread. */
export type Report =
  /** It has seen what is there, and runs. */
  | ({ readonly kind: 'started' } & Standing)
  | ({ readonly kind: 'progress' } & Standing)
  /** Everything up to a position can be read, and whom that concerns where it is news. */
  | { readonly kind: 'readable'; readonly position: Position; readonly topics: Topics | undefined }
  /** Asks for records: they are sent through the port. */
  | ({ readonly kind: 'read'; readonly port: MessagePort } & Reading)
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly fields: Readonly<Record<string, unknown>>;
      readonly message: string;
    }
  /** The file of the read models was found damaged. */
  | { readonly kind: 'damage'; readonly error: unknown }
  /** It cannot go on. */
  | { readonly kind: 'failed'; readonly error: unknown };

/** Where the projections are, and how often building them again had been asked for by then. */
export interface Standing {
  readonly progress: readonly ProjectionProgress[];
  readonly rebuilds: number;
}

/** Which records are asked for. */
export interface Reading {
  readonly after: Position;
  /** Goes on with what is appended, else to the end as of now. */
  readonly live: boolean;
}

/** Through the port of a reading: one for each time that it is asked. Records are JSON text, which costs less than a clone. */
export type Answer =
  | { readonly records: string; readonly position: Position; readonly head: Position }
  | { readonly end: true }
  | { readonly error: { readonly isUnavailable: boolean; readonly message: string } };

/** A thread as it is seen from outside: node:worker_threads' Worker is one. */
export interface Thread {
  postMessage(message: Request): void;
  on(event: 'message', listener: (message: Report) => void): unknown;
  /** It failed in a way that nobody expected. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
}

export type StartThread = (data: ThreadData) => Thread;
