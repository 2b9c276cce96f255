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
   * @param isSuspect whether it is to be looked through, however large it is
   * @returns what was wrong, where it was deleted
   */
  dropDamaged(isSuspect: boolean): string | undefined {
    const size = statSync(this.#file, { throwIfNoEntry: false })?.size;
    if (size === undefined) return undefined;
    const mark = join(this.path, MARK);
    const damage = existsSync(mark)
      ? readFileSync(mark, 'utf8').trim()
      : (lossOf(this.#file) ?? damageOf(this.#file, isSuspect || size <= LOOKED_THROUGH, this.#content));
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
 * @returns whether what is in it may be damaged, and what to call in the end. Two that did not close it, one after the
 *   other, may have ended because of a damaged page; of one that was killed nothing is to be feared.
 */
export function markInUse(folder: string): { readonly isSuspect: boolean; readonly done: () => void } {
  const mark = join(folder, 'in-use');
  const crashes = existsSync(mark) ? 1 + (Number(readFileSync(mark, 'utf8')) || 0) : 0;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(mark, String(crashes), { mode: 0o600 });
  return {
    isSuspect: crashes > 1,
    done: () => {
      try {
        rmSync(mark, { force: true });
      } catch (error) {
        // Left on a disk that is read-only by now, it costs a later start a look at everything.
        if (!(error instanceof Error && 'code' in error)) throw error;
      }
    },
  };
}
