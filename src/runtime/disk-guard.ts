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

  /**
   * @param file that was opened
   * @param leastFree bytes that are left free for others, and for what is written in between
   */
  constructor(file: string, leastFree: number) {
    this.#file = file;
    this.#leastFree = leastFree;
    this.#opened = statSync(file);
  }

  /** Why so many bytes had better not be written now; undefined where nothing speaks against it. */
  objection(bytes = 0): string | undefined {
    try {
      const { dev, ino } = statSync(this.#file);
      if (dev !== this.#opened.dev || ino !== this.#opened.ino) {
        return `${this.#file} was replaced by another file while it was in use.`;
      }
      // A disk with errors is often made read-only by the system.
      accessSync(this.#file, constants.W_OK);
      return shortage(this.#file, this.#leastFree + bytes);
    } catch (error) {
      return `${this.#file} cannot be written any more: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

/** That the disk of a file has less than so many bytes free, in words; undefined where it has as many. */
function shortage(path: string, bytes: number): string | undefined {
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  if (free >= bytes) return undefined;
  const [has, needs] = [free, bytes].map((one) => `${(one / MEGABYTE).toFixed(1)} MB`);
  return `The disk of ${dirname(path)} is full: ${has} are free, and ${needs} must be.`;
}
