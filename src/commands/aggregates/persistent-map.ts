/** How many changes are laid over the base before they are put into it, at least. */
const FEWEST_CHANGES = 16;

/**
 * A map that is never changed: `with` and `without` give new ones, which share what they have in common. A change
 * costs the square root of the size, where copying a map for each would make the fold of a long stream quadratic.
 * Keys come in the order in which they were set first, or nearly so.
 */
export class PersistentMap<K, V extends object> {
  static readonly #ABSENT = Symbol('absent');
  readonly #base: ReadonlyMap<K, V>;
  /** Laid over the base. */
  readonly #changes: ReadonlyMap<K, V | symbol>;
  readonly size: number;

  private constructor(base: ReadonlyMap<K, V>, changes: ReadonlyMap<K, V | symbol>, size: number) {
    this.#base = base;
    this.#changes = changes;
    this.size = size;
  }

  static empty<K, V extends object>(): PersistentMap<K, V> {
    return new PersistentMap<K, V>(new Map(), new Map(), 0);
  }

  get(key: K): V | undefined {
    const change = this.#changes.get(key);
    if (change === undefined) return this.#base.get(key);
    return typeof change === 'symbol' ? undefined : change;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  with(key: K, value: V): PersistentMap<K, V> {
    return this.#changed(key, value, this.has(key) ? this.size : this.size + 1);
  }

  without(key: K): PersistentMap<K, V> {
    return this.has(key) ? this.#changed(key, PersistentMap.#ABSENT, this.size - 1) : this;
  }

  *entries(): Generator<[K, V]> {
    for (const [key, value] of this.#base) if (!this.#changes.has(key)) yield [key, value];
    for (const [key, value] of this.#changes) if (typeof value !== 'symbol') yield [key, value];
  }

  *keys(): Generator<K> {
    for (const [key] of this.entries()) yield key;
  }

  #changed(key: K, change: V | symbol, size: number): PersistentMap<K, V> {
    const changes = new Map(this.#changes).set(key, change);
    if (changes.size <= FEWEST_CHANGES + Math.sqrt(this.#base.size)) {
      return new PersistentMap(this.#base, changes, size);
    }
    const base = new Map(this.#base);
    for (const [changed, value] of changes) {
      if (typeof value === 'symbol') base.delete(changed);
      else base.set(changed, value);
    }
    return new PersistentMap<K, V>(base, new Map(), size);
  }
}
