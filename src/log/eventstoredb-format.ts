import type { BinaryEventData, Position as DriverPosition } from '@eventstore/db-client';
import type { RawRecord, RawStored } from './adapter.js';
import type { StreamNames } from './eventstoredb-names.js';
import type { Position } from './position.js';

/*
 * How a record lies in EventStoreDB: as an event of its ID and type, its data as bytes, its metadata as bytes that
 * are JSON. The driver gives data back as it was, and metadata parsed; printed again it is the same text, as
 * JSON.stringify has made it in the first place (codec.ts). What has been changed behind our back fails its checksum.
 */

/** An event as the driver reads it. */
export interface StoredEvent {
  readonly streamId: string;
  readonly id: string;
  readonly revision: bigint;
  readonly type: string;
  readonly data: unknown;
  readonly metadata?: unknown;
  readonly position?: DriverPosition | undefined;
}

/**
 * Views of plain arrays: the driver takes a Buffer in `metadata` for an object to be printed as JSON, and its own
 * binaryEvent copies byte by byte.
 */
export function toEvent({ id, type, data, metadata }: RawRecord): BinaryEventData {
  return { id, type, contentType: 'application/octet-stream', data: plain(data), metadata: plain(metadata) };
}

/**
 * The record that an event is; undefined for what is not of the log: other streams, and what the server puts into
 * ours, such as the mark of a stream that was deleted for good, whose revision is beyond all numbers.
 */
export function fromEvent(event: StoredEvent, names: StreamNames): RawStored | undefined {
  const stream = event.type.startsWith('$') ? undefined : names.ours(event.streamId);
  if (stream === undefined) return undefined;
  return {
    id: event.id,
    type: event.type,
    data: bytesOf(event.data),
    metadata: bytesOf(event.metadata),
    stream,
    revision: toNumber(event.revision),
    position: positionOf(event),
  };
}

/** The server does not tell the positions of what it stores. */
export class TooOldError extends Error {
  constructor() {
    super('EventStoreDB tells no positions: it must be 22.6 or newer.');
    this.name = 'TooOldError';
  }
}

export function positionOf({ position }: StoredEvent): Position {
  if (position === undefined) throw new TooOldError();
  return toNumber(position.commit);
}

/** Our records are never written by transactions of several calls, so both positions are the same. */
export function driverPosition(position: Position): DriverPosition {
  return { commit: BigInt(position), prepare: BigInt(position) };
}

/** @throws RangeError beyond 2^53, which is nine petabytes as a position, and no revision ever */
export function toNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`EventStoreDB is at ${value}, beyond 2^53.`);
  return number;
}

function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes that are not JSON come as they are, and so does the data of events that are not said to be JSON. */
function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value === undefined) return new Uint8Array(0);
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}
