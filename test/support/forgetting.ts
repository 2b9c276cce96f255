import type { LoggedRecord } from '../../src/log/log.js';
import type { Position } from '../../src/log/position.js';
import { SEALED_FIELDS, type ContentForgottenV1, type RecordBody } from '../../src/log/records.js';
import type { MemoryLog } from './memory-log.js';

type Places = ContentForgottenV1['places'];

/** Records that the content of events is forgotten, wherever it is sealed, as the write side would. */
export function forgetsEvents(
  log: MemoryLog,
  eventIds: readonly string[],
  cause: ContentForgottenV1['cause'] = 'redacted',
): Position {
  const places: Places[number][] = [];
  const events = new Map<string, ContentForgottenV1['events'][number]>();
  for (const { stream, revision, data } of log.records) {
    if (!('event_id' in data && 'room_version' in data) || !eventIds.includes(data.event_id)) continue;
    places.push({ stream, from: revision, to: revision });
    const { event_id, room_version } = data;
    events.set(event_id, { room_id: stream.slice('room-'.length), room_version, event_id });
  }
  return forgets(log, { cause, places, events: [...events.values()] });
}

/** Records that all that an account said so far is forgotten. */
export function forgetsAccount(log: MemoryLog, userId: string): Position {
  const stream = `user-${userId}`;
  const to = log.records.filter((record) => record.stream === stream).length - 1;
  return forgets(log, { cause: 'erased', user_id: userId, places: [{ stream, from: 0, to }], events: [] });
}

function forgets(log: MemoryLog, data: ContentForgottenV1): Position {
  return log.append([{ type: 'content.forgotten', version: 1, data, stream: 'forgotten' }]);
}

/**
 * The records as somebody reads them who comes when the keys are gone of all that is to be forgotten, or of those facts
 * that `isGone` says, by their number.
 */
export function afterForgetting(
  records: readonly LoggedRecord[],
  isGone: (fact: number) => boolean = () => true,
): LoggedRecord[] {
  const gone = records
    .flatMap((record) => (record.type === 'content.forgotten' ? [record.data] : []))
    .filter((_, fact) => isGone(fact))
    .flatMap(({ places }) => places);
  return records.map((record) => {
    const isCovered = gone.some(
      ({ stream, from, to }) => stream === record.stream && from <= record.revision && record.revision <= to,
    );
    return isCovered ? withoutSealed(record) : record;
  });
}

function withoutSealed(record: LoggedRecord): LoggedRecord {
  const sealed = SEALED_FIELDS.get(`${record.type}.v${record.version}`) ?? [];
  const entries = Object.entries(record.data);
  const clear = entries.filter(([field]) => !sealed.includes(field));
  if (clear.length === entries.length) return record;
  const body = { type: record.type, version: record.version, data: Object.fromEntries(clear) } as RecordBody;
  return { ...record, ...body, forgotten: true };
}
