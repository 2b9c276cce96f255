import type { RecordMetadata } from '../../log/log.js';
import type { RecordBody } from '../../log/records.js';

/** The name of a room alias's stream: taking an alias is the stream's own decision, so two cannot both have it. */
export function aliasStream(alias: string): string {
  return `alias-${alias}`;
}

/** A room alias: free, or naming a room. */
export type Alias =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'taken';
      readonly roomId: string;
      readonly creator: string;
      /** Milliseconds since the epoch. */
      readonly at: number;
    };

export const ABSENT_ALIAS: Alias = { kind: 'free' };

export function evolveAlias(alias: Alias, record: RecordBody & { readonly metadata: RecordMetadata }): Alias {
  switch (record.type) {
    case 'room.alias.created':
      return {
        kind: 'taken',
        roomId: record.data.room_id,
        creator: record.data.by,
        at: record.metadata.received_at,
      };
    case 'room.alias.deleted':
      return ABSENT_ALIAS;
    default:
      return alias;
  }
}
