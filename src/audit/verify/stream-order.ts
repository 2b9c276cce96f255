import type { DamagedRecord, Log, LoggedRecord } from '../../log/log.js';
import type { Fault } from './finding.js';

interface Last {
  readonly revision: number;
  readonly index: number;
}

/**
 * Watches that positions increase and that no stream lacks a revision. Keeps a number for each stream: some 100 bytes
 * for each account and room.
 */
export class StreamOrder {
  readonly #log: Pick<Log, 'retention'>;
  readonly #last = new Map<string, Last>();
  #position = -1;

  constructor(log: Pick<Log, 'retention'>) {
    this.#log = log;
  }

  async take({ stream, revision, index, position }: LoggedRecord): Promise<Fault | undefined> {
    const last = this.#last.get(stream) ?? { revision: -1, index: 0 };
    this.#last.set(stream, { revision, index });
    const isLower = position < this.#position;
    this.#position = Math.max(position, this.#position);
    if (isLower) return { kind: 'order', reason: `It comes after position ${this.#position}.` };
    // Records that one commit brought in share a revision.
    const isNext = revision === last.revision + 1 || (revision === last.revision && index > last.index);
    if (isNext || (await this.#mayBeGone(stream, last.revision + 1, revision))) return undefined;
    const reason =
      revision > last.revision
        ? `${missing(last.revision + 1, revision - 1)} of the stream ${stream} before it.`
        : `Revision ${revision} of the stream ${stream} is there twice.`;
    return { kind: 'order', reason };
  }

  /** A damaged record still holds its place, where it is known which. */
  takeDamaged({ stream, revision }: DamagedRecord): void {
    if (stream === undefined || revision === undefined) return;
    const last = this.#last.get(stream)?.revision ?? -1;
    if (revision === last + 1) this.#last.set(stream, { revision, index: 0 });
  }

  /** Where a stream has a retention, what is old may be gone. */
  async #mayBeGone(stream: string, from: number, to: number): Promise<boolean> {
    return to > from && Object.keys(await this.#log.retention(stream)).length > 0;
  }
}

function missing(first: number, last: number): string {
  return first === last ? `Revision ${first} is missing` : `Revisions ${first} to ${last} are missing`;
}
