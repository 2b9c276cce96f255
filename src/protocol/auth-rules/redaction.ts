import type { RoomEvent } from '../events.js';
import { canRedact, type PowerLevels } from '../power-levels.js';
import type { RoomVersion } from '../room-versions.js';
import { sameServer, type Subject } from './subject.js';
import { ALLOWED, refuse, type Verdict } from './verdict.js';

/** m.room.redaction in room versions 1 and 2, whose event IDs say where an event comes from. */
export function checkRedaction({ event, version }: Subject, levels: PowerLevels): Verdict {
  if (canRedact(levels, event.sender)) return ALLOWED;
  if (event.redacts !== undefined && sameServer(event.redacts, event.eventId)) return ALLOWED;
  const reason = `Redacting events of other servers needs power level ${levels.redact}.`;
  return refuse('redaction.otherwise', version, reason);
}

/**
 * Whether a redaction that has been accepted takes effect on its target (specification: Room Versions, Handling
 * redactions). `levels` are those in force at the redaction. In room versions 1 and 2 the authorisation rules
 * have decided that already. Nothing is redacted across rooms.
 */
export function redactionAllowed(
  redaction: RoomEvent,
  target: RoomEvent,
  version: RoomVersion,
  levels: PowerLevels,
): boolean {
  if (redaction.redacts !== target.eventId || redaction.roomId !== target.roomId) return false;
  if (version.auth.redactions || canRedact(levels, redaction.sender)) return true;
  return sameServer(redaction.sender, target.sender);
}
