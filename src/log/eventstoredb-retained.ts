import { FORWARDS, START as FROM_START, type ReadPosition } from '@eventstore/db-client';
import { driverPosition, positionOf } from './eventstoredb-format.js';
import { readAllPage } from './eventstoredb-pages.js';
import type { Source } from './eventstoredb-reading.js';
import { START } from './position.js';

const PAGE = 500;
/** Before the name of a stream, that of its metadata. */
const METASTREAM = '$$';

/**
 * The streams whose retention was ever set. The server has no list of them: all of its events are looked through, for
 * those that are metadata of ours, the first time from the beginning, then from where that ended.
 */
export class RetainedStreams {
  readonly #source: Omit<Source, 'tail'>;
  readonly #streams = new Set<string>();
  #place: ReadPosition;
  #looked = START;

  constructor(source: Omit<Source, 'tail'>) {
    this.#source = source;
    this.#place = source.begins === START ? FROM_START : driverPosition(source.begins);
  }

  async *list(): AsyncGenerator<string> {
    await this.#lookOn();
    yield* this.#streams;
  }

  async #lookOn(): Promise<void> {
    const { connection, names } = this.#source;
    for (;;) {
      // The event at the place is read again.
      const page = await readAllPage(connection, this.#place, FORWARDS, PAGE + 1, this.#looked);
      for (const { streamId } of page.events) {
        const stream = streamId.startsWith(METASTREAM)
          ? names.ours(streamId.slice(METASTREAM.length))
          : undefined;
        if (stream !== undefined) this.#streams.add(stream);
      }
      const last = page.events.at(-1);
      if (last === undefined) return;
      this.#place = last.position;
      this.#looked = positionOf(last);
      if (page.whole && page.events.length <= PAGE) return;
    }
  }
}
