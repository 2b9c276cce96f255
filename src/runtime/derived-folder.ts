import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { damageOf, LOOKED_THROUGH, type Content } from './lmdb-check.js';
import { lossOf } from './unflushed.js';

const MARK = 'damaged';

/** A folder with an LMDB database of what can be made again from the log. */
export class DerivedFolder {
  readonly path: string;
  readonly #file: string;
  readonly #content: Content;
  #damaged = false;

  /** @param file the database's name in the folder */
  constructor(path: string, file: string, content: Content) {
    this.path = path;
    this.#file = join(path, file);
    this.#content = content;
  }

  /** Whether it was found to be damaged since it was opened. */
  get damaged(): boolean {
    return this.#damaged;
  }

  /**
   * Makes sure that the database is whole before it is opened: where it is damaged, was found to be so while it
   * served, or was not flushed when the machine ended, the folder is deleted. No other process may have it open.
   *
   * @param afterCrash whether whoever had it open last did not close it
   * @returns what was wrong, where it was deleted
   */
  dropDamaged(afterCrash: boolean): string | undefined {
    const size = statSync(this.#file, { throwIfNoEntry: false })?.size;
    if (size === undefined) return undefined;
    const mark = join(this.path, MARK);
    const damage = existsSync(mark)
      ? readFileSync(mark, 'utf8').trim()
      : (lossOf(this.#file) ?? damageOf(this.#file, afterCrash || size <= LOOKED_THROUGH, this.#content));
    if (damage === undefined) return undefined;
    this.drop();
    return `${this.#file} ${damage}`;
  }

  drop(): void {
    rmSync(this.path, { recursive: true });
  }

  /** Notes, for the next start, that the database is damaged; says whether that is news. */
  report(error: unknown): boolean {
    if (this.#damaged) return false;
    this.#damaged = true;
    const reason = error instanceof Error ? error.message : String(error);
    writeFileSync(join(this.path, MARK), `was found to be damaged: ${reason}\n`, { mode: 0o600 });
    return true;
  }
}

/**
 * Notes that a process has a data folder open until it says that it has closed everything.
 *
 * @returns whether the one before did not close it, and what to call in the end
 */
export function markInUse(folder: string): { readonly afterCrash: boolean; readonly done: () => void } {
  const mark = join(folder, 'in-use');
  const afterCrash = existsSync(mark);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(mark, '', { mode: 0o600 });
  return {
    afterCrash,
    done: () => {
      try {
        rmSync(mark, { force: true });
      } catch (error) {
        // Left on a disk that is read-only by now, it costs the next start a look at everything.
        if (!(error instanceof Error && 'code' in error)) throw error;
      }
    },
  };
}
