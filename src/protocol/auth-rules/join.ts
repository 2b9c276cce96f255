import { roomCreators, userLevel } from '../power-levels.js';
import { joinRuleOf, levelsFor, membershipOf, type Subject } from './subject.js';
import { ALLOWED, refuse, type Verdict } from './verdict.js';

/** m.room.member with `join`. */
export function checkJoin(subject: Subject, target: string): Verdict {
  const { event, version, create } = subject;
  const { prevEvents, sender } = event;
  const first = prevEvents.length === 1 && prevEvents[0] === create.eventId;
  // Only the one who made the room, not the additional creators of version 12.
  if (first && roomCreators(create, version)[0] === target) return ALLOWED;
  if (sender !== target) {
    return refuse('join.sender', version, `Only ${target} can join as ${target}.`);
  }
  const membership = membershipOf(subject, sender);
  if (membership === 'ban') {
    return refuse('join.banned', version, `${sender} is banned from the room.`);
  }
  const rule = joinRuleOf(subject);
  const invited = membership === 'join' || membership === 'invite';
  if (rule === 'public') return ALLOWED;
  if (invited && (rule === 'invite' || (version.auth.knock && rule === 'knock'))) return ALLOWED;
  if (isRestricted(subject, rule)) {
    return invited ? ALLOWED : checkAuthoriser(subject);
  }
  return refuse('join.otherwise', version, `${sender} needs an invitation to join this room.`);
}

function isRestricted({ version }: Subject, rule: string): boolean {
  return (
    (version.auth.restricted && rule === 'restricted') ||
    (version.auth.knockRestricted && rule === 'knock_restricted')
  );
}

/** A restricted room is joined through a member who could have sent an invitation. */
function checkAuthoriser(subject: Subject): Verdict {
  const { event, version } = subject;
  const authoriser = event.content['join_authorised_via_users_server'];
  if (typeof authoriser !== 'string') {
    const reason = `${event.sender} needs an invitation, or a member who authorises the join, to join this room.`;
    return refuse('join.authoriser', version, reason);
  }
  const levels = levelsFor(subject);
  if (membershipOf(subject, authoriser) !== 'join' || userLevel(levels, authoriser) < levels.invite) {
    const reason = `${authoriser} cannot authorise a join: they have to be in the room and able to invite.`;
    return refuse('join.authoriser', version, reason);
  }
  return ALLOWED;
}
