import type { Output } from './io.js';

/** Tells how far a long piece of work is. */
export interface Progress {
  /**
   * Says how much is done, and how much there is if that has changed. Cheap: it writes only now and then.
   *
   * @throws the signal's reason, once it has aborted: the way for work to be interrupted between two steps.
   */
  update(done: number, total?: number): void;
  /** Writes the last state, whatever it is, and ends the line. */
  finish(): void;
}

const BAR_WIDTH = 20;
/** Milliseconds between two pictures of the bar, and between two plain lines. */
const TERMINAL_INTERVAL = 100;
const LINE_INTERVAL = 5_000;

/**
 * A bar on a terminal, plain lines elsewhere: one every five seconds and one at the end.
 *
 * `label` says what is done ("Rebuilding"), `unit` what is counted ("records").
 */
export function createProgress(options: {
  readonly output: Output;
  readonly label: string;
  readonly unit: string;
  readonly total?: number;
  readonly signal?: AbortSignal;
  /** Milliseconds of a clock that only moves forwards. */
  readonly now?: () => number;
}): Progress {
  const { output, label, unit, signal, now = () => performance.now() } = options;
  const terminal = output.isTTY === true;
  const interval = terminal ? TERMINAL_INTERVAL : LINE_INTERVAL;
  const start = now();
  let written = terminal ? -Infinity : start;
  let done = 0;
  let total = options.total;
  let finished = false;

  const write = (time: number): void => {
    written = time;
    const text = state(done, total, unit, time - start);
    if (!terminal) {
      output.write(`${label}: ${text}\n`);
      return;
    }
    const line = `${label} ${total === undefined ? '' : `${bar(done, total)} `}${text}`;
    // One less than the width: a full line would wrap, and the next picture begin a line below.
    output.write(`\r\u001b[K${line.slice(0, Math.max(0, (output.columns ?? 80) - 1))}`);
  };

  return {
    update(nowDone, nowTotal) {
      signal?.throwIfAborted();
      done = nowDone;
      total = nowTotal ?? total;
      const time = now();
      if (time - written >= interval) write(time);
    },
    finish() {
      if (finished) return;
      finished = true;
      write(now());
      if (terminal) output.write('\n');
    },
  };
}

/** `52% (1,234 of 2,345 records), 12 s left` */
function state(done: number, total: number | undefined, unit: string, elapsed: number): string {
  if (total === undefined) return `${count(done)} ${unit}`;
  const share = portion(done, total);
  // Too early, the rest would be guessed from next to nothing.
  const left = share > 0.01 && share < 1 ? `, ${duration((elapsed * (1 - share)) / share)} left` : '';
  return `${Math.floor(share * 100)}% (${count(done)} of ${count(total)} ${unit})${left}`;
}

function bar(done: number, total: number): string {
  const full = Math.floor(portion(done, total) * BAR_WIDTH);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`;
}

function portion(done: number, total: number): number {
  return total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
}

function count(number: number): string {
  return number.toLocaleString('en');
}

/** `12 s`, `3 min`, `2.5 h` */
function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
