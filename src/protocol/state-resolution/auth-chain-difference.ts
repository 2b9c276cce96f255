import { Heap } from './heap.js';
import { MissingEventsError, type AuthGraph } from './sources.js';

/** The state events that all sets have in common. */
export interface CommonEvents {
  has(id: string): boolean;
  ids(): Iterable<string>;
}

const NOTHING_IN_COMMON: CommonEvents = { has: () => false, ids: () => [] };

/**
 * Specification, room version 2, Auth difference: "The auth difference is calculated by first calculating the
 * full auth chain for each state S_i, that is the union of the auth chains for each event in S_i, and then
 * taking every event that doesn't appear in every auth chain."
 *
 * Walks back from the tips in the order of the log, newest first, with one bit per set, and stops as soon as
 * nothing is queued whose bits differ. As auth events stand before the events that cite them, the bits of an
 * event are complete when its turn comes. What the sets have in common counts as a tip of every set, and is
 * not walked from: of an event whose bits differ it is asked whether a common event descends from it.
 *
 * Cost: the events between the tips and the oldest one in the difference, whatever the length of the chains.
 *
 * @param sets per state set, its state events; those in `common` may be left out
 * @throws MissingEventsError naming every event of the walk that the graph does not have
 */
export function authChainDifference(
  sets: readonly Iterable<string>[],
  graph: AuthGraph,
  common: CommonEvents = NOTHING_IN_COMMON,
): Set<string> {
  const walk = new ChainWalk(sets.length, graph);
  sets.forEach((ids, set) => {
    for (const id of ids) walk.citeFromSet(id, set);
  });
  const search =
    graph.citedBy === undefined ? undefined : new DescendantSearch(graph.citedBy.bind(graph), common);
  if (search === undefined) for (const id of common.ids()) walk.citeFromAll(id);

  const difference = new Set<string>();
  for (let id = walk.next(); id !== undefined; id = walk.next()) {
    if (walk.agreed(id) || search?.reaches(id) === true) {
      walk.citeFromAll(id);
    } else {
      difference.add(id);
      walk.citeFromSameAs(id);
    }
  }
  walk.throwIfMissing();
  return difference;
}

/** The queue of the walk, and per event met so far the bits of the sets whose chain it is in. */
class ChainWalk {
  readonly #graph: AuthGraph;
  /** 32-bit words per event, so that any number of sets will do. */
  readonly #full: readonly number[];
  readonly #bits = new Map<string, number[]>();
  readonly #queue = new Heap<{ id: string; order: number }>((a, b) => b.order - a.order);
  readonly #missing = new Set<string>();
  /** How many queued events have bits that differ. */
  #differing = 0;

  constructor(setCount: number, graph: AuthGraph) {
    this.#graph = graph;
    this.#full = Array.from({ length: Math.ceil(setCount / 32) }, (_, word) => {
      const bits = setCount - 32 * word;
      return bits >= 32 ? -1 : ~(-1 << bits);
    });
  }

  /** The newest queued event; `undefined` once no queued event has bits that differ. */
  next(): string | undefined {
    if (this.#differing === 0) return undefined;
    const id = this.#queue.pop()?.id;
    if (id !== undefined && !this.agreed(id)) this.#differing--;
    return id;
  }

  agreed(id: string): boolean {
    return this.#isFull(this.#bits.get(id) ?? []);
  }

  /** The auth events of `id` are in the chain of one set. */
  citeFromSet(id: string, set: number): void {
    const bits = this.#full.map((_, word) => (word === set >> 5 ? 1 << (set & 31) : 0));
    this.#cite(id, bits);
  }

  /** The auth events of `id` are in every chain. */
  citeFromAll(id: string): void {
    this.#cite(id, this.#full);
  }

  /** The auth events of `id` are in the chains that `id` is in. */
  citeFromSameAs(id: string): void {
    this.#cite(id, this.#bits.get(id) ?? []);
  }

  throwIfMissing(): void {
    if (this.#missing.size > 0) throw new MissingEventsError(this.#missing);
  }

  #cite(from: string, bits: readonly number[]): void {
    const cited = this.#graph.authEvents(from);
    if (cited === undefined) this.#missing.add(from);
    else for (const id of cited) this.#add(id, bits);
  }

  #add(id: string, added: readonly number[]): void {
    const bits = this.#bits.get(id);
    if (bits !== undefined) {
      const wasFull = this.#isFull(bits);
      for (let word = 0; word < bits.length; word++) bits[word] = (bits[word] ?? 0) | (added[word] ?? 0);
      if (!wasFull && this.#isFull(bits)) this.#differing--;
      return;
    }
    const order = this.#graph.order(id);
    if (order === undefined) {
      this.#missing.add(id);
      return;
    }
    this.#bits.set(id, [...added]);
    this.#queue.push({ id, order });
    if (!this.#isFull(added)) this.#differing++;
  }

  #isFull(bits: readonly number[]): boolean {
    return this.#full.every((word, index) => bits[index] === word);
  }
}

/**
 * Answers whether a common event descends from an event by auth events, that is: whether the event is in the
 * auth chain of what the sets have in common. Goes towards the newer events, depth first, and enters each event
 * once over all questions.
 */
class DescendantSearch {
  readonly #citedBy: (id: string) => Iterable<string>;
  readonly #common: CommonEvents;
  /** The answers so far. An event on the path of the current search counts as `false`: there are no cycles. */
  readonly #answers = new Map<string, boolean>();

  constructor(citedBy: (id: string) => Iterable<string>, common: CommonEvents) {
    this.#citedBy = citedBy;
    this.#common = common;
  }

  reaches(start: string): boolean {
    const known = this.#answers.get(start);
    if (known !== undefined) return known;
    const path = [this.#enter(start)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const step = top.citing.next();
      if (step.done === true) {
        path.pop();
      } else if (this.#common.has(step.value) || this.#answers.get(step.value) === true) {
        for (const { id, citing } of path) {
          this.#answers.set(id, true);
          citing.return?.();
        }
        return true;
      } else if (!this.#answers.has(step.value)) {
        path.push(this.#enter(step.value));
      }
    }
    return false;
  }

  #enter(id: string): { id: string; citing: Iterator<string, unknown> } {
    this.#answers.set(id, false);
    return { id, citing: this.#citedBy(id)[Symbol.iterator]() };
  }
}
