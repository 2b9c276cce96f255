import type { JsonObject } from '../protocol/json.js';
import { filters } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';

/** A filter that a user has stored (Client-Server API, Filtering), as it was sent. */
export async function storedFilter(
  side: ReadSide,
  userId: string,
  filterId: string,
): Promise<JsonObject | undefined> {
  const stored = await side.store.collection(filters).get([userId, filterId]);
  // Only filters that compile are stored, and those are objects.
  return stored?.filter as JsonObject | undefined;
}
