import { isUserId, serverName } from '../identifiers.js';
import type { JsonValue } from '../json.js';
import { checkInvite } from './invite.js';
import { checkJoin } from './join.js';
import { checkKnock } from './knock.js';
import { checkBan, checkLeave } from './leave.js';
import type { AuthOptions, Subject } from './subject.js';
import { refuse, type Verdict } from './verdict.js';

/** m.room.member: what all memberships have in common, then the rules of each. */
export function checkMember(subject: Subject): Verdict {
  const { event, version, options } = subject;
  const { membership, join_authorised_via_users_server: authoriser } = event.content;
  if (event.stateKey === undefined || membership === undefined) {
    return refuse('member.shape', version, 'A membership event has to name a user and a membership.');
  }
  if (version.auth.restricted && authoriser !== undefined && !signedFor(authoriser, options)) {
    const reason = 'The join is not signed by the server of the user who is said to have authorised it.';
    return refuse('member.authoriser_signature', version, reason);
  }
  switch (membership) {
    case 'join':
      return checkJoin(subject, event.stateKey);
    case 'invite':
      return checkInvite(subject, event.stateKey);
    case 'leave':
      return checkLeave(subject, event.stateKey);
    case 'ban':
      return checkBan(subject, event.stateKey);
    case 'knock':
      if (version.auth.knock) return checkKnock(subject, event.stateKey);
  }
  return refuse('member.unknown', version, 'This room knows no such membership.');
}

function signedFor(authoriser: JsonValue, { verifiedServers }: AuthOptions): boolean {
  if (typeof authoriser !== 'string' || !isUserId(authoriser)) return false;
  return verifiedServers === undefined || verifiedServers.has(serverName(authoriser) ?? '');
}
