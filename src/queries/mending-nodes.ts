import { ReadModelNotReadyError } from '../read-models/errors.js';
import type { Hash, Node } from '../room-state/node.js';
import { MissingNodeError, type NodeReader } from '../room-state/nodes.js';

/**
 * State nodes for queries. One that is missing or damaged is told to whoever can make it again from the log, and
 * the query is answered as if the read model were still being built: try again.
 */
export class MendingNodes implements NodeReader {
  readonly #nodes: NodeReader;
  readonly #mend: () => void;

  /** @param mend starts making the nodes again, if that is not under way */
  constructor(nodes: NodeReader, mend: () => void) {
    this.#nodes = nodes;
    this.#mend = mend;
  }

  read(hash: Hash): Node {
    try {
      return this.#nodes.read(hash);
    } catch (error) {
      if (!(error instanceof MissingNodeError)) throw error;
      this.#mend();
      throw new ReadModelNotReadyError('state nodes');
    }
  }
}
