/** What came to a name so far: the last exclusive turn, and the shared ones after it. */
interface Queue {
  exclusive: Promise<unknown>;
  shared: Set<Promise<unknown>>;
}

/**
 * Turns by name, within this process: shared ones go together, an exclusive one goes alone, each after all that came
 * before it. One that fails holds up nobody. A turn must not wait for another of the same name.
 */
export class Turns {
  readonly #queues = new Map<string, Queue>();

  shared<T>(name: string, action: () => Promise<T>): Promise<T> {
    const queue = this.#queue(name);
    const turn = queue.exclusive.then(action);
    const over = settled(turn);
    const { shared } = queue;
    shared.add(over);
    void over.then(() => shared.delete(over));
    return turn;
  }

  /** Of several names at once: no two such turns wait for each other, since each gets all its places in one go. */
  exclusive<T>(names: readonly string[], action: () => Promise<T>): Promise<T> {
    const queues = [...new Set(names)].map((name) => this.#queue(name));
    const before = queues.flatMap(({ exclusive, shared }) => [exclusive, ...shared]);
    const turn = Promise.all(before).then(action);
    for (const queue of queues) {
      queue.exclusive = settled(turn);
      queue.shared = new Set();
    }
    return turn;
  }

  #queue(name: string): Queue {
    const queue = this.#queues.get(name) ?? { exclusive: Promise.resolve(), shared: new Set() };
    this.#queues.set(name, queue);
    return queue;
  }
}

function settled(turn: Promise<unknown>): Promise<unknown> {
  return turn.catch(() => undefined);
}
