import { isJsonObject } from '../json.js';
import { userLevel } from '../power-levels.js';
import { signedWithInviteKey } from '../third-party-invites.js';
import { levelsFor, membershipOf, type Subject } from './subject.js';
import { ALLOWED, refuse, type Verdict } from './verdict.js';

/** m.room.member with `invite`. */
export function checkInvite(subject: Subject, target: string): Verdict {
  const { event, version } = subject;
  if (event.content['third_party_invite'] !== undefined) return checkThirdParty(subject, target);
  if (membershipOf(subject, event.sender) !== 'join') {
    return refuse('invite.sender', version, `${event.sender} has to be in the room to invite somebody.`);
  }
  const membership = membershipOf(subject, target);
  if (membership === 'join' || membership === 'ban') {
    const reason =
      membership === 'ban' ? `${target} is banned from the room.` : `${target} is already in the room.`;
    return refuse('invite.target', version, reason);
  }
  const levels = levelsFor(subject);
  const level = userLevel(levels, event.sender);
  if (level >= levels.invite) return ALLOWED;
  const reason = `Inviting needs power level ${levels.invite}; ${event.sender} has ${level}.`;
  return refuse('invite.otherwise', version, reason);
}

/** An invitation that was addressed to an e-mail address or the like, and taken up by a Matrix user. */
function checkThirdParty(subject: Subject, target: string): Verdict {
  const { event, version, state } = subject;
  if (membershipOf(subject, target) === 'ban') {
    return refuse('third_party.banned', version, `${target} is banned from the room.`);
  }
  const invite = event.content['third_party_invite'];
  const signed = isJsonObject(invite) ? invite['signed'] : undefined;
  if (signed === undefined) {
    return refuse('third_party.unsigned', version, 'The third-party invitation lacks its signed part.');
  }
  const { mxid, token } = isJsonObject(signed) ? signed : {};
  if (!isJsonObject(signed) || mxid === undefined || token === undefined) {
    return refuse(
      'third_party.incomplete',
      version,
      'The third-party invitation has to name a user and a token.',
    );
  }
  if (mxid !== target) {
    return refuse('third_party.mxid', version, `The third-party invitation is not for ${target}.`);
  }
  const offer = typeof token === 'string' ? state.get('m.room.third_party_invite', token) : undefined;
  if (offer === undefined) {
    return refuse('third_party.token', version, 'The room has no third-party invitation with this token.');
  }
  if (event.sender !== offer.sender) {
    const reason = `The third-party invitation was made by ${offer.sender}, not by ${event.sender}.`;
    return refuse('third_party.sender', version, reason);
  }
  if (signedWithInviteKey(signed, offer)) return ALLOWED;
  const reason = 'No key of the third-party invitation has signed that this user may take it up.';
  return refuse('third_party.otherwise', version, reason);
}
