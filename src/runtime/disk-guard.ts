import { accessSync, constants, statfsSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

const MEGABYTE = 1_000_000;

/**
 * Tells before something is written to a file whether it would be kept: that the disk has space and takes writes, so
 * that nothing is found half-written, and that the file is still the one in its folder, since what is written to a
 * deleted one is lost without an error. Costs some microseconds.
 */
export class DiskGuard {
  readonly #file: string;
  readonly #leastFree: number;
  readonly #opened: Stats;
  readonly #restMs: number;
  #restUntil = 0;
  #restBytes = 0;

  /**
   * @param file that was opened
   * @param leastFree bytes that are left free for others, and for what is written in between
   * @param restMs milliseconds for which a look at the disk is enough, as far as there was space
   */
  constructor(file: string, leastFree: number, restMs = 0) {
    this.#restMs = restMs;
    this.#file = file;
    this.#leastFree = leastFree;
    this.#opened = statSync(file);
  }

  /** Why so many bytes had better not be written now; undefined where nothing speaks against it. */
  objection(bytes = 0): string | undefined {
    const now = performance.now();
    if (now < this.#restUntil && bytes <= this.#restBytes) {
      this.#restBytes -= bytes;
      return undefined;
    }
    const objection = this.#look(bytes);
    if (objection === undefined) this.#restUntil = now + this.#restMs;
    return objection;
  }

  #look(bytes: number): string | undefined {
    try {
      const { dev, ino } = statSync(this.#file);
      if (dev !== this.#opened.dev || ino !== this.#opened.ino) {
        return `${this.#file} was replaced by another file while it was in use.`;
      }
      // A disk with errors is often made read-only by the system.
      accessSync(this.#file, constants.W_OK);
      const free = freeBytes(this.#file);
      this.#restBytes = free - this.#leastFree - bytes;
      return this.#restBytes >= 0 ? undefined : shortage(this.#file, free, this.#leastFree + bytes);
    } catch (error) {
      return `${this.#file} cannot be written any more: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** That the disk of a file has less than so many bytes free, in words. */
function shortage(path: string, free: number, bytes: number): string {
  const [has, needs] = [free, bytes].map((one) => `${(one / MEGABYTE).toFixed(1)} MB`);
  return `The disk of ${dirname(path)} is full: ${has} are free, and ${needs} must be.`;
}
