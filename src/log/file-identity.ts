import { statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';

/** Milliseconds: longer than the steps by which a file system counts its times. */
const TICK = 10;
const TRIES = 3;

/**
 * Which file this is, as `inode:birth`: another one has another, also where it is a copy to the byte with all its
 * times (`cp -a`, rsync, tar), and where a removed file's inode was used again. Not the device: its number changes
 * from boot to boot. Birth is in nanoseconds, or 0 where the system does not tell it.
 */
export function fileIdentity(file: string): string {
  const { ino, birthtimeNs } = statSync(file, { bigint: true });
  return `${ino}:${tellsBirth(dirname(file)) ? birthtimeNs : 0n}`;
}

/** Whether two identities can be the same file's: what one of them does not know does not speak against it. */
export function isSameFile(one: string, other: string): boolean {
  const [ino, birth] = one.split(':');
  const [otherIno, otherBirth] = other.split(':');
  return ino === otherIno && (birth === otherBirth || birth === '0' || otherBirth === '0');
}

/**
 * Where birth times are not known, the time of the last change may stand in for them. A folder that we have changed
 * some time after it was made tells which it is.
 */
function tellsBirth(folder: string): boolean {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const { birthtimeNs, ctimeNs } = statSync(folder, { bigint: true });
    if (birthtimeNs === 0n) return false;
    if (birthtimeNs !== ctimeNs) return true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TICK);
    const now = Date.now() / 1000;
    utimesSync(folder, now, now);
  }
  return false;
}
