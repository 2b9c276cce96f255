import { parseEvent } from '../../protocol/event-format.js';
import type { RoomEvent } from '../../protocol/events.js';
import { checkContentHash } from '../../protocol/hashes.js';
import { serverName } from '../../protocol/identifiers.js';
import type { JsonObject } from '../../protocol/json.js';
import { joinForgettable } from '../../protocol/redaction.js';
import { roomVersion, type RoomVersion } from '../../protocol/room-versions.js';
import { signatureKeyIds, verifyEventSignatureAside, type VerifyKeys } from '../../protocol/signatures.js';
import type { EventLogged } from '../replay.js';
import type { Fault } from './finding.js';

/** The keys of a server, where they are known. */
export type KeysOf = (server: string) => VerifyKeys | undefined;

/** What an event says of itself, checked without looking at any other. */
export interface EventChecked {
  readonly event: RoomEvent | undefined;
  readonly version: RoomVersion | undefined;
  readonly faults: readonly Fault[];
  /** Why its content could not be checked: it was forgotten, or came with a wrong hash and was redacted on receipt. */
  readonly contentMissing: 'forgotten' | 'redacted' | undefined;
  /** Signatures under keys that are not known here. */
  readonly signaturesUnchecked: number;
  /** What is wrong with those that are being checked in the thread pool. */
  readonly signatureFaults: readonly Promise<Fault | undefined>[];
}

/**
 * Checks an event's format, size, ID, content hash and signatures (Server-Server API, Checks performed on receipt
 * of a PDU, 1 to 3). Cost: some 20 microseconds, and 70 of another thread for each signature.
 *
 * @param ours our server's name: what came from elsewhere with a wrong content hash was redacted on receipt
 */
export function checkEvent(record: EventLogged, ours: string, keysOf: KeysOf): EventChecked {
  const { data } = record;
  const version = roomVersion(data.room_version);
  if (version === undefined) {
    return failed('format', `The room version ${JSON.stringify(data.room_version)} is not known.`);
  }
  const pdu = joinForgettable(data.event as JsonObject, data.forgettable as JsonObject | undefined);
  const event = parseEvent(pdu, version);
  if (event instanceof Error) return failed('format', event.message);
  const faults: Fault[] = [];
  if (event.eventId !== data.event_id) {
    faults.push({
      kind: 'event_id',
      reason: `Its event's ID is ${event.eventId}, but it is recorded as ${data.event_id}.`,
    });
  }
  const hash = contentHashOf(record, event, ours);
  if (hash === 'wrong') {
    faults.push({ kind: 'content_hash', reason: "Its event's content hash is not that of its content." });
  }
  let signaturesUnchecked = 0;
  const signatureFaults: Promise<Fault | undefined>[] = [];
  for (const server of signersOf(event, version)) {
    const keys = keysOf(server);
    const ids = signatureKeyIds(pdu, server);
    if (ids.length === 0) faults.push({ kind: 'signature', reason: `It is not signed by ${server}.` });
    else if (keys === undefined || !ids.some((id) => keys.has(id))) signaturesUnchecked++;
    else signatureFaults.push(signatureFault(pdu, server, keys, version));
  }
  const contentMissing = hash === 'forgotten' || hash === 'redacted' ? hash : undefined;
  return { event, version, faults, contentMissing, signaturesUnchecked, signatureFaults };
}

function failed(kind: 'format', reason: string): EventChecked {
  const faults = [{ kind, reason }];
  return {
    event: undefined,
    version: undefined,
    faults,
    contentMissing: undefined,
    signaturesUnchecked: 0,
    signatureFaults: [],
  };
}

function contentHashOf(
  record: EventLogged,
  event: RoomEvent,
  ours: string,
): 'right' | 'wrong' | 'forgotten' | 'redacted' {
  if (record.forgotten) return 'forgotten';
  if (checkContentHash(event.pdu)) return 'right';
  const isRedacted = record.data.forgettable === undefined && serverName(event.sender) !== ours;
  return isRedacted ? 'redacted' : 'wrong';
}

/** The servers that must have signed an event (Server-Server API, Validating hashes and signatures). */
function signersOf(event: RoomEvent, version: RoomVersion): ReadonlySet<string> {
  const { content, type, sender, eventId } = event;
  const membership = type === 'm.room.member' ? content['membership'] : undefined;
  const signers = new Set<string>();
  const add = (id: unknown) => {
    const server = typeof id === 'string' ? serverName(id) : undefined;
    if (server !== undefined) signers.add(server);
  };
  // An invitation by a third party's identifier is signed by whoever redeemed it.
  if (!(membership === 'invite' && content['third_party_invite'] !== undefined)) add(sender);
  if (version.eventIds === 'pdu') add(eventId);
  if (version.auth.restricted && membership === 'join') add(content['join_authorised_via_users_server']);
  return signers;
}

async function signatureFault(
  pdu: JsonObject,
  server: string,
  keys: VerifyKeys,
  version: RoomVersion,
): Promise<Fault | undefined> {
  const isValid = await verifyEventSignatureAside(pdu, server, keys, version);
  return isValid ? undefined : { kind: 'signature', reason: `The signature of ${server} is wrong.` };
}
