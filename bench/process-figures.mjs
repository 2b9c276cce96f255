// What the operating system says of a process, where it is Linux; undefined elsewhere.
import { readFileSync } from 'node:fs';

/** Ticks per second of the times in /proc/PID/stat: USER_HZ, 100 on every Linux. */
const TICKS = 100;

/** Microseconds of processor time of all threads so far, user and system, to 10 milliseconds. */
export function cpuMicros(pid) {
  try {
    // The name, in brackets, may hold anything; fields count from behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS;
  } catch {
    return undefined;
  }
}

/** Megabytes of anonymous memory that are in use: what is no page of a mapped file. */
export function anonymousMegabytes(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kilobytes = /^RssAnon:\s+([0-9]+) kB/m.exec(text)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1000;
  } catch {
    return undefined;
  }
}

/** The difference of two readings for each of so many; undefined where there are none. */
export function perEach(before, after, count) {
  return before === undefined || after === undefined || count === 0 ? undefined : (after - before) / count;
}
