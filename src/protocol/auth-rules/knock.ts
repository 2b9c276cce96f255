import { joinRuleOf, membershipOf, type Subject } from './subject.js';
import { ALLOWED, refuse, type Verdict } from './verdict.js';

/** m.room.member with `knock`, from room version 7. */
export function checkKnock(subject: Subject, target: string): Verdict {
  const { event, version } = subject;
  const { sender } = event;
  const rule = joinRuleOf(subject);
  if (rule !== 'knock' && !(version.auth.knockRestricted && rule === 'knock_restricted')) {
    return refuse('knock.join_rule', version, 'This room does not let people knock.');
  }
  if (sender !== target) {
    return refuse('knock.sender', version, `Only ${target} can knock as ${target}.`);
  }
  const membership = membershipOf(subject, sender);
  if (membership === 'ban' || membership === 'invite' || membership === 'join') {
    const reason =
      membership === 'ban'
        ? `${sender} is banned from the room.`
        : `${sender} does not need to knock: they are ${membership === 'join' ? 'in the room' : 'invited'}.`;
    return refuse('knock.otherwise', version, reason);
  }
  return ALLOWED;
}
