import type { JsonObject, JsonValue } from '../../src/protocol/json.js';
import { matrixPath } from '../support/matrix-client.js';
import type { Checked } from './check.js';
import { insist } from './gate.js';
import { entriesAt } from './reading.js';

/** What depends on when one asks, and not on what is known. */
const OF_THE_MOMENT = new Set(['age', 'next_batch', 'prev_batch', 'start', 'end', 'presence']);

/** All that every user is told by a first sync, and of each of their rooms by /state, /members and /messages. */
export async function seenByAll({ gate, clients }: Pick<Checked, 'gate' | 'clients'>): Promise<JsonValue> {
  const seen: Record<string, JsonValue> = {};
  for (const client of clients) {
    const sync = await insist(gate, client, 'GET', 'v3/sync', { query: { timeout: '0' } });
    const answers: Record<string, JsonObject> = { sync };
    for (const roomId of entriesAt(sync, 'rooms', 'join').map(([id]) => id)) {
      const query = { dir: 'b', limit: '100' };
      answers[`${roomId} messages`] = await insist(
        gate,
        client,
        'GET',
        matrixPath`v3/rooms/${roomId}/messages`,
        { query },
      );
      for (const part of ['state', 'members']) {
        answers[`${roomId} ${part}`] = await insist(
          gate,
          client,
          'GET',
          matrixPath`v3/rooms/${roomId}/${part}`,
        );
      }
    }
    seen[client.userId] = lasting(answers);
  }
  return seen;
}

/** Without what is of the moment, at any depth. */
function lasting(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(lasting);
  const kept = Object.entries(value).filter(([key]) => !OF_THE_MOMENT.has(key));
  return Object.fromEntries(kept.map(([key, part]) => [key, lasting(part ?? null)]));
}
