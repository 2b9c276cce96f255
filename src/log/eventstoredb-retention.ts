import { isDeepStrictEqual } from 'node:util';
import {
  BACKWARDS,
  END,
  metastreamOf,
  NO_STREAM as NOTHING_YET,
  type JSONEventData,
} from '@eventstore/db-client';
import { uuid, type Random } from '../runtime/random.js';
import type { Connection } from './eventstoredb-connection.js';
import { troubleOf } from './eventstoredb-errors.js';
import type { StreamNames } from './eventstoredb-names.js';
import { readEvents } from './eventstoredb-pages.js';
import { isObject, type JsonObject } from './json.js';
import type { Retention } from './log.js';

/** What retention is called in a stream's metadata there. */
const KEYS = { maxAge: '$maxAge', maxCount: '$maxCount', truncateBefore: '$tb' } as const;
const NAMES = ['maxAge', 'maxCount', 'truncateBefore'] as const;

export async function readRetention(
  connection: Connection,
  names: StreamNames,
  stream: string,
): Promise<Retention> {
  return retentionOf((await readMetadata(connection, names, stream)).metadata);
}

/** Replaces a stream's retention; what else its metadata says, such as who may read it, stays. */
export async function writeRetention(
  connection: Connection,
  names: StreamNames,
  stream: string,
  retention: Retention,
  random: Random,
): Promise<void> {
  for (;;) {
    const { metadata, revision } = await readMetadata(connection, names, stream);
    const changed = withRetention(metadata, retention);
    // What starts and says it again adds nothing to the server.
    if (isDeepStrictEqual(changed, metadata)) return;
    const event: JSONEventData = {
      id: uuid(random),
      type: '$metadata',
      contentType: 'application/json',
      data: changed,
      metadata: undefined,
    };
    try {
      await connection.append(metastreamOf(names.there(stream)), [event], revision ?? NOTHING_YET);
      return;
    } catch (error) {
      // Somebody else has changed it meanwhile.
      if (troubleOf(error) !== 'wrong revision') throw error;
    }
  }
}

/** A stream that was deleted has a `$tb` beyond all numbers of ours. */
export function retentionOf(metadata: JsonObject): Retention {
  const retention: { -readonly [K in keyof Retention]: Retention[K] } = {};
  for (const name of NAMES) {
    const value = metadata[KEYS[name]];
    if (typeof value === 'number' && Number.isSafeInteger(value)) retention[name] = value;
  }
  return retention;
}

export function withRetention(metadata: JsonObject, retention: Retention): Record<string, unknown> {
  const changed: Record<string, unknown> = { ...metadata };
  for (const name of NAMES) {
    if (retention[name] === undefined) Reflect.deleteProperty(changed, KEYS[name]);
    else changed[KEYS[name]] = retention[name];
  }
  return changed;
}

async function readMetadata(
  connection: Connection,
  names: StreamNames,
  stream: string,
): Promise<{ readonly metadata: JsonObject; readonly revision: bigint | undefined }> {
  const { events } = await readEvents(connection, metastreamOf(names.there(stream)), END, BACKWARDS, 1);
  const [last] = events;
  return { metadata: isObject(last?.data) ? last.data : {}, revision: last?.revision };
}
