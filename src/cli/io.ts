import type { Readable } from 'node:stream';

/** Where a verb writes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** The terminal's width. */
  readonly columns?: number;
}

/** What a verb has of the world around it. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Results, and nothing else. */
  readonly stdout: Output;
  /** Progress, notices, errors. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborts when the person or the system wants the program to end; its reason is an Interrupted. */
  readonly signal: AbortSignal;
}

/** What every verb answers. An interrupted one ends with 128 and the signal's number, as shells have it. */
export const EXIT = {
  ok: 0,
  /** What was to be checked or done did not succeed. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
} as const;

/** The program was told to end. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super('Interrupted.');
    this.name = 'Interrupted';
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

/** Something that the person can mend: told without a stack. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}
