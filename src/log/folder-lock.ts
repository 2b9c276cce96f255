import { existsSync, linkSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootName } from '../runtime/lmdb-check.js';
import { LogFormatError } from './errors.js';
import { isObject } from './json.js';

/** Who holds the folder. A process ID alone may be given anew: with the boot and the start it names one process. */
interface Holder {
  readonly pid: number;
  readonly boot: string;
  readonly started: string;
  /** How many in a row before it did not release the folder. */
  readonly crashes: number;
}

const NAME = /^lock\.([1-9][0-9]{0,14})$/;

export function isLockFile(name: string): boolean {
  return name === 'lock' || name.startsWith('lock.');
}

/**
 * Takes a folder for this process alone. Node has no flock, so: lock files are numbered, the highest counts,
 * and who finds it released or its holder dead makes the next number, which only one can (link fails where
 * the name exists). The number never goes down, so nobody can take over what was taken over already. A holder
 * that was killed leaves a lock that the next one takes over. Processes on other machines, or in containers
 * that do not see each other's processes, are not noticed.
 *
 * @returns how to release it, and whether what is in it may be damaged: the machine was started again since, or one
 *   after the other did not release it. Of one process that was killed nothing is to be feared.
 *
 * @throws LogFormatError when another process, or this one, holds it
 */
export function lockFolder(folder: string): { readonly release: () => void; readonly isSuspect: boolean } {
  const highest = numbers(folder).at(-1) ?? 0;
  const holder = highest > 0 ? read(join(folder, `lock.${highest}`)) : undefined;
  const crashes = holder === undefined ? 0 : holder.crashes + 1;
  const own = { pid: process.pid, boot: boot(), started: processOf(process.pid).started, crashes };
  if (holder !== undefined && alive(holder)) throw inUse(folder, holder.pid);
  const mine = join(folder, `lock.${highest + 1}`);
  const beside = join(folder, `lock.new.${process.pid}`);
  writeFileSync(beside, JSON.stringify(own), { mode: 0o600 });
  try {
    linkSync(beside, mine);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw inUse(folder, undefined);
    throw error;
  } finally {
    rmSync(beside, { force: true });
  }
  for (const number of numbers(folder)) {
    if (number <= highest) rmSync(join(folder, `lock.${number}`), { force: true });
  }
  return {
    isSuspect: crashes > 1 || (holder !== undefined && (own.boot === '' || holder.boot !== own.boot)),
    release: () => {
      // Emptied, not removed: the number has to stay. A folder that is gone by now, or read-only, has a lock that is
      // taken over from a process that ended.
      try {
        writeFileSync(beside, '{}', { mode: 0o600 });
        renameSync(beside, mine);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error;
      }
    },
  };
}

/** The process that holds a folder, if one does and lives. */
export function holderOf(folder: string): number | undefined {
  const highest = existsSync(folder) ? numbers(folder).at(-1) : undefined;
  const holder = highest === undefined ? undefined : read(join(folder, `lock.${highest}`));
  return holder !== undefined && alive(holder) ? holder.pid : undefined;
}

function inUse(folder: string, pid: number | undefined): LogFormatError {
  const by = pid === undefined ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`;
  return new LogFormatError(`${folder} is in use by ${by}.`);
}

function numbers(folder: string): number[] {
  return readdirSync(folder)
    .map((name) => Number(NAME.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0)
    .sort((a, b) => a - b);
}

/** The holder, or undefined where it was released (or removed this moment). */
function read(file: string): Holder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { pid, boot, started, crashes = 0 } = value;
  if (typeof pid !== 'number' || typeof boot !== 'string' || typeof started !== 'string') return undefined;
  return { pid, boot, started, crashes: typeof crashes === 'number' ? crashes : 0 };
}

function alive({ pid, boot: of, started }: Holder): boolean {
  if (of !== boot()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
  }
  const found = processOf(pid);
  // One that was killed and not yet waited for by its parent has an ID still, and does nothing any more.
  return found.started === started && found.state !== 'Z' && found.state !== 'X';
}

/** Where the system does not name its boots, '': the process ID has to do. */
function boot(): string {
  return bootName() ?? '';
}

/** When a process started, in ticks since the boot, and its state (proc(5): stat, fields 22 and 3); '' where there is no /proc. */
function processOf(pid: number): { readonly started: string; readonly state: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the name, may hold spaces and brackets: count from its last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { started: fields[19] ?? '', state: fields[0] ?? '' };
  } catch {
    return { started: '', state: '' };
  }
}
