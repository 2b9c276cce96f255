import type { StreamState } from './lmdb-format.js';
import type { Change, OverlaidTable } from './lmdb-overlay.js';
import { NO_STREAM, type Position } from './position.js';

/** What one transaction will write, and the state that follows from it. */
export class Group {
  readonly changes: Change[] = [];
  readonly states = new Map<string, StreamState>();
  head: Position;
  lastStream: number;
  records = 0;
  bytes = 0;

  constructor(head: Position, lastStream: number) {
    this.head = head;
    this.lastStream = lastStream;
  }
}

/** Adds a change to what the group will write. */
export function put(group: Group, table: OverlaidTable, key: Buffer, value: Buffer | undefined): void {
  group.changes.push({ table, key, value });
}

/** A stream met first, with the next number. */
export function newStream(group: Group): StreamState {
  group.lastStream++;
  return { number: group.lastStream, revision: NO_STREAM, first: 0, retention: {} };
}
