import type { JsonObject } from '../../src/protocol/json.js';
import type { MatrixClient } from '../support/matrix-client.js';
import { until } from '../support/until.js';
import { ask, type Gate } from './gate.js';
import { at, entriesAt, eventsOf, pageBack } from './reading.js';

const FILTER = JSON.stringify({ room: { timeline: { limit: 100 } }, presence: { not_types: ['*'] } });

/**
 * A client that syncs for ever, over all kills, with the token that it got last; a gap in a timeline it closes as
 * clients do. What it has been shown is what the rooms must contain, in that order, once.
 */
export class Follower {
  readonly #gate: Gate;
  readonly #client: MatrixClient;
  /** Room -> IDs of events in the order in which they came. */
  readonly #seen = new Map<string, string[]>();
  #since: string | undefined;
  #ended = false;
  #failure: unknown;

  constructor(gate: Gate, client: MatrixClient) {
    this.#gate = gate;
    this.#client = client;
  }

  run(): void {
    void this.#follow().catch((error: unknown) => {
      if (!this.#ended) this.#failure = error;
    });
  }

  end(): void {
    this.#ended = true;
  }

  /** Everything shown of a room, once the last of these events has come. @throws what it has met */
  async seenUntil(roomId: string, last: string): Promise<readonly string[]> {
    await until(() => {
      if (this.#failure !== undefined) throw new Error('The follower met a fault.', { cause: this.#failure });
      return this.#seen.get(roomId)?.includes(last) === true;
    });
    return this.#seen.get(roomId) ?? [];
  }

  async #follow(): Promise<void> {
    while (!this.#ended) {
      const query = {
        filter: FILTER,
        timeout: '30000',
        ...(this.#since === undefined ? {} : { since: this.#since }),
      };
      const sync = await ask(this.#gate, this.#client, 'GET', 'v3/sync', { query });
      if (sync === undefined) await this.#gate.whenUp();
      else await this.#take(sync);
    }
  }

  async #take(sync: JsonObject): Promise<void> {
    for (const [roomId, room] of entriesAt(sync, 'rooms', 'join')) {
      const seen = this.#seen.get(roomId) ?? [];
      this.#seen.set(roomId, seen);
      const timeline = at(room, 'timeline');
      const from = at(timeline, 'prev_batch');
      if (at(timeline, 'limited') === true && typeof from === 'string') {
        const known = new Set(seen);
        const gap = await pageBack(this.#gate, this.#client, roomId, from, (event) =>
          known.has(event.event_id),
        );
        seen.push(...gap.map((event) => event.event_id));
      }
      seen.push(...eventsOf(at(timeline, 'events')).map((event) => event.event_id));
    }
    const next = sync['next_batch'];
    if (typeof next !== 'string') throw new Error('A sync without next_batch.');
    this.#since = next;
  }
}
