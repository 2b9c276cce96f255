import type { DamagedRecord, LoggedRecord } from '../../log/log.js';

/** What can be wrong with a record. */
export type FindingKind =
  /** It cannot be read: checksum, frame, sealed fields, unknown version. */
  | 'damaged'
  /** A record of its stream is missing before it, or positions do not increase. */
  | 'order'
  /** Its data does not fit the schema of its type. */
  | 'schema'
  /** Its event is not one of its room version. */
  | 'format'
  | 'event_id'
  | 'content_hash'
  /** Its content cannot be read any more, and nothing in the log says that it was to be forgotten. */
  | 'forgotten'
  | 'signature'
  /** It would be decided otherwise now. */
  | 'decision'
  /** A state's root, delta or the extremities are not those that it comes to. */
  | 'state'
  /** What its decision rests on is not there, so that it cannot be taken again. */
  | 'undecidable';

/** A record that does not stand up to verification, and why. */
export interface Finding {
  readonly kind: FindingKind;
  readonly position: number;
  readonly stream: string | null;
  readonly revision: number | null;
  readonly event_id: string | null;
  readonly reason: string;
}

/** What is wrong with a record, before it is said which one. */
export interface Fault {
  readonly kind: FindingKind;
  readonly reason: string;
}

export function findingOf(record: LoggedRecord, { kind, reason }: Fault): Finding {
  const { position, stream, revision, data } = record;
  const eventId = 'event_id' in data ? data.event_id : null;
  return { kind, position, stream, revision, event_id: eventId, reason };
}

export function findingOfDamaged({ position, stream, revision, reason }: DamagedRecord): Finding {
  return {
    kind: 'damaged',
    position,
    stream: stream ?? null,
    revision: revision ?? null,
    event_id: null,
    reason,
  };
}
