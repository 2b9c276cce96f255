import { FORGOTTEN_STREAM } from '../../commands/forgetting/forgotten.js';
import type { Log, LoggedRecord, SealedRange } from '../../log/log.js';
import { findingOf, type Fault, type Finding } from './finding.js';

const FAULT: Fault = {
  kind: 'forgotten',
  reason: 'Its content cannot be read any more, and nothing says that it was to be forgotten.',
};

interface Kept {
  readonly revision: number;
  readonly index: number;
  readonly finding: Finding;
}

/** Records that have lost their sealed fields, to be held against what the log says was to be forgotten. */
export class ForgottenRecords {
  readonly #byStream = new Map<string, Kept[]>();

  take(record: LoggedRecord): void {
    const { stream, revision, index } = record;
    const kept = { revision, index, finding: findingOf(record, FAULT) };
    const others = this.#byStream.get(stream);
    if (others === undefined) this.#byStream.set(stream, [kept]);
    else others.push(kept);
  }

  /** Findings for those of which nothing says so. Facts follow what they are about, so it is asked at the end. */
  async unexplained(log: Log): Promise<Finding[]> {
    if (this.#byStream.size === 0) return [];
    for await (const { records } of log.read(FORGOTTEN_STREAM)) {
      for (const fact of records) {
        if (fact.type === 'content.forgotten') for (const place of fact.data.places) this.#explain(place);
      }
    }
    return [...this.#byStream.values()].flat().map(({ finding }) => finding);
  }

  #explain(place: SealedRange): void {
    const kept = this.#byStream.get(place.stream);
    if (kept === undefined) return;
    const left = kept.filter((one) => !covers(place, one));
    if (left.length === 0) this.#byStream.delete(place.stream);
    else if (left.length < kept.length) this.#byStream.set(place.stream, left);
  }
}

function covers({ from, to, index }: SealedRange, one: Kept): boolean {
  return from <= one.revision && one.revision <= to && (index === undefined || index === one.index);
}
