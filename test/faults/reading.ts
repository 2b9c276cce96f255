import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../src/protocol/json.js';
import { matrixPath, type MatrixClient } from '../support/matrix-client.js';
import { insist, type Gate } from './gate.js';

/** Events in a page of /messages. */
const PAGE = '250';

/** An event as clients get it. */
export interface ClientEvent extends JsonObject {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly content: JsonObject;
}

export function isClientEvent(value: JsonValue | undefined): value is ClientEvent {
  return typeof value === 'object' && value !== null && 'event_id' in value;
}

export function eventsOf(value: JsonValue | undefined): ClientEvent[] {
  return listAt(value).filter(isClientEvent);
}

/** The value at a path of keys; `undefined` where there is none. */
export function at(value: JsonValue | undefined, ...keys: readonly string[]): JsonValue | undefined {
  let found = value;
  for (const key of keys) {
    if (!isJsonObject(found)) return undefined;
    found = found[key];
  }
  return found;
}

/** The entries of the object at a path of keys; none where there is no object. */
export function entriesAt(
  value: JsonValue | undefined,
  ...keys: readonly string[]
): (readonly [string, JsonValue | undefined])[] {
  const found = at(value, ...keys);
  return isJsonObject(found) ? Object.entries(found) : [];
}

/** The list at a path of keys; empty where there is none. */
export function listAt(value: JsonValue | undefined, ...keys: readonly string[]): readonly JsonValue[] {
  const found = at(value, ...keys);
  return isJsonArray(found) ? found : [];
}

/**
 * Pages back through a room, from a token or from now, until an event that is known or to the beginning: those after
 * it, the oldest first.
 */
export async function pageBack(
  gate: Gate,
  client: MatrixClient,
  roomId: string,
  from?: string,
  known: (event: ClientEvent) => boolean = () => false,
): Promise<ClientEvent[]> {
  const newestFirst: ClientEvent[] = [];
  let token: JsonValue | undefined = from;
  while (true) {
    const query = { dir: 'b', limit: PAGE, ...(typeof token === 'string' ? { from: token } : {}) };
    const page = await insist(gate, client, 'GET', matrixPath`v3/rooms/${roomId}/messages`, { query });
    for (const event of eventsOf(page['chunk'])) {
      if (known(event)) return newestFirst.reverse();
      newestFirst.push(event);
    }
    token = page['end'];
    if (token === undefined) return newestFirst.reverse();
  }
}
