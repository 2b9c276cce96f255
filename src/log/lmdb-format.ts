import { crc32 } from 'node:zlib';
import type { RawRecord, RawStored } from './adapter.js';
import type { Retention } from './log.js';
import type { Position } from './position.js';
import { isObject } from './json.js';

/*
 * How the embedded log lies in LMDB. Numbers are big-endian, so that keys sort as they count.
 *
 *   records   position (6 bytes)                       -> frame
 *   places    stream number (6) and revision (4)       -> position (6)
 *   streams   stream name                              -> StreamState, JSON
 *   retained  stream name, where retention was set     -> nothing
 *   meta      'epoch' -> text; 'head' -> position (6); 'streams' -> last stream number (6);
 *             'file' -> which file it is, see file-identity.ts
 *
 *   frame     0 format, 1 position (6), 7 written at (6), 13 id (16), 29 revision (4),
 *             33 length of type (1), 34 of stream (2), 36 of metadata (4), 40 type, stream, metadata, data
 */

export interface StreamState {
  /** Its number in `places`. */
  readonly number: number;
  /** Of its last record; NO_STREAM while it only has retention. */
  readonly revision: number;
  /** The lowest revision that may still be stored: scavenging has passed those below. */
  readonly first: number;
  readonly retention: Retention;
}

const FRAME_FORMAT = 1;
const HEADER_BYTES = 40;

export function positionKey(position: Position): Buffer {
  const key = Buffer.allocUnsafe(6);
  key.writeUIntBE(position, 0, 6);
  return key;
}

export function readPosition(bytes: Uint8Array): Position {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUIntBE(0, 6);
}

export function placeKey(stream: number, revision: number): Buffer {
  const key = Buffer.allocUnsafe(10);
  key.writeUIntBE(stream, 0, 6);
  key.writeUInt32BE(revision, 6);
  return key;
}

export function revisionOf(placeKey: Buffer): number {
  return placeKey.readUInt32BE(6);
}

export interface Frame extends RawStored {
  /** Milliseconds since the epoch, by our clock: what maxAge goes by. */
  readonly writtenAt: number;
}

export function encodeFrame(
  record: RawRecord,
  stream: string,
  revision: number,
  position: Position,
  writtenAt: number,
): Buffer {
  const type = Buffer.from(record.type);
  const name = Buffer.from(stream);
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt8(FRAME_FORMAT, 0);
  header.writeUIntBE(position, 1, 6);
  header.writeUIntBE(writtenAt, 7, 6);
  header.write(record.id.replaceAll('-', ''), 13, 'hex');
  header.writeUInt32BE(revision, 29);
  header.writeUInt8(type.byteLength, 33);
  header.writeUInt16BE(name.byteLength, 34);
  header.writeUInt32BE(record.metadata.byteLength, 36);
  return Buffer.concat([header, type, name, record.metadata, record.data]);
}

/** The frame at a position, or the reason why it cannot be taken apart. Views, no copies of data and metadata. */
export function decodeFrame(bytes: Buffer, position: Position): Frame | string {
  if (bytes.byteLength < HEADER_BYTES || bytes.readUInt8(0) !== FRAME_FORMAT) return 'It is not a record.';
  if (bytes.readUIntBE(1, 6) !== position) return 'It belongs to another position.';
  const typeEnd = HEADER_BYTES + bytes.readUInt8(33);
  const streamEnd = typeEnd + bytes.readUInt16BE(34);
  const metadataEnd = streamEnd + bytes.readUInt32BE(36);
  if (metadataEnd > bytes.byteLength) return 'It is cut off.';
  return {
    id: uuidAt(bytes, 13),
    type: bytes.toString('utf8', HEADER_BYTES, typeEnd),
    stream: bytes.toString('utf8', typeEnd, streamEnd),
    metadata: bytes.subarray(streamEnd, metadataEnd),
    data: bytes.subarray(metadataEnd),
    revision: bytes.readUInt32BE(29),
    position,
    writtenAt: bytes.readUIntBE(7, 6),
  };
}

function uuidAt(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** JSON, and a checksum over stream and JSON as its last member. */
export function encodeState(stream: string, state: StreamState): Buffer {
  const { number, revision, first, retention } = state;
  const open = JSON.stringify({ number, revision, first, retention }).slice(0, -1);
  return Buffer.from(`${open},"checksum":"${checksum(stream, open)}"}`);
}

/** @throws Error when the bytes are not the stream's state: the file is damaged where it matters. */
export function decodeState(stream: string, bytes: Uint8Array): StreamState {
  const text = Buffer.from(bytes).toString();
  const [, open = '', sum] = /^(.*?)(?:,"checksum":"([0-9a-f]{8})")?\}$/s.exec(text) ?? [];
  // Without a checksum where it was written by a version that had none.
  const value = sum === undefined || sum === checksum(stream, open) ? parse(`${open}}`) : undefined;
  if (isObject(value)) {
    const { number, revision, first, retention } = value;
    if (
      typeof number === 'number' &&
      typeof revision === 'number' &&
      typeof first === 'number' &&
      isObject(retention)
    ) {
      return { number, revision, first, retention };
    }
  }
  throw new Error(
    `The log is damaged: it does not know where stream ${stream} is. Restore it from a backup.`,
  );
}

function checksum(stream: string, open: string): string {
  return crc32(open, crc32(stream)).toString(16).padStart(8, '0');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The lowest revision that `maxCount` and `truncateBefore` leave visible. */
export function firstVisible({ revision, first, retention }: StreamState): number {
  const { maxCount, truncateBefore } = retention;
  return Math.max(first, truncateBefore ?? 0, maxCount === undefined ? 0 : revision - maxCount + 1);
}

export function expired({ retention }: StreamState, writtenAt: number, now: number): boolean {
  return retention.maxAge !== undefined && writtenAt < now - retention.maxAge * 1000;
}
