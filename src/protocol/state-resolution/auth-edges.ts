import { oldestOrder, requireAuthEvents, requireOrder, type AuthGraph } from './sources.js';

const NONE: ReadonlySet<string> = new Set();

/**
 * The graph of auth events, contracted to some of them: for each member, the members that its auth chain reaches
 * first (directly, or through events that are not members). Paths through others count, as the specification
 * speaks of "the events in the auth chain", not of auth events.
 *
 * A path that leaves the full conflicted set is in the auth chain of every state set from there on, so that it
 * comes back to no event of the auth difference, only to conflicted events that every chain contains. The walk
 * outside therefore ends at the oldest of these, and does not begin if there are none: the usual case, in which
 * an edge costs one look-up.
 */
export class AuthEdges {
  readonly #members: ReadonlySet<string>;
  readonly #graph: AuthGraph;
  readonly #oldest: number;
  /** Per event outside: the members that its chain reaches first. */
  readonly #outside = new Map<string, ReadonlySet<string>>();

  /**
   * @param members the full conflicted set
   * @param difference its members that only some of the auth chains contain
   */
  constructor(members: ReadonlySet<string>, difference: ReadonlySet<string>, graph: AuthGraph) {
    this.#members = members;
    this.#graph = graph;
    const agreed = [...members].filter((id) => !difference.has(id));
    this.#oldest = oldestOrder(agreed, graph);
  }

  /** The members that the auth chain of this member reaches first. */
  of(member: string): ReadonlySet<string> {
    return this.#union(requireAuthEvents(this.#graph, member));
  }

  #union(ids: readonly string[]): ReadonlySet<string> {
    const union = new Set<string>();
    for (const id of ids) {
      if (this.#members.has(id)) union.add(id);
      else for (const reached of this.#fromOutside(id)) union.add(reached);
    }
    return union;
  }

  /** Depth first with a stack of its own: chains are longer than the call stack is deep. */
  #fromOutside(start: string): ReadonlySet<string> {
    const stack = [start];
    for (let id = stack.at(-1); id !== undefined; id = stack.at(-1)) {
      const open = this.#outside.has(id) ? [] : this.#notYetKnown(id);
      if (open.length > 0) {
        stack.push(...open);
        continue;
      }
      stack.pop();
      if (!this.#outside.has(id)) this.#outside.set(id, this.#fromKnown(id));
    }
    return this.#outside.get(start) ?? NONE;
  }

  #notYetKnown(id: string): string[] {
    if (this.#tooOld(id)) return [];
    const cited = requireAuthEvents(this.#graph, id);
    return cited.filter((auth) => !this.#members.has(auth) && !this.#outside.has(auth));
  }

  #fromKnown(id: string): ReadonlySet<string> {
    if (this.#tooOld(id)) return NONE;
    const union = new Set<string>();
    for (const auth of requireAuthEvents(this.#graph, id)) {
      if (this.#members.has(auth)) union.add(auth);
      else for (const reached of this.#outside.get(auth) ?? NONE) union.add(reached);
    }
    return union;
  }

  #tooOld(id: string): boolean {
    return this.#oldest === Infinity || requireOrder(this.#graph, id) < this.#oldest;
  }
}
