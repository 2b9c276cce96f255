import { userLevel } from '../power-levels.js';
import { levelsFor, membershipOf, type Subject } from './subject.js';
import { ALLOWED, refuse, type Verdict } from './verdict.js';

/** m.room.member with `leave`: going, declining, taking back a knock, kicking, lifting a ban. */
export function checkLeave(subject: Subject, target: string): Verdict {
  const { event, version } = subject;
  const { sender } = event;
  const own = membershipOf(subject, sender);
  if (sender === target) {
    const present = own === 'invite' || own === 'join' || (version.auth.knock && own === 'knock');
    return present
      ? ALLOWED
      : refuse('leave.own', version, `${sender} is not in the room, so they cannot leave it.`);
  }
  if (own !== 'join') {
    return refuse('leave.sender', version, `${sender} has to be in the room to remove somebody.`);
  }
  const levels = levelsFor(subject);
  const level = userLevel(levels, sender);
  if (level < levels.ban && membershipOf(subject, target) === 'ban') {
    const reason = `Lifting a ban needs power level ${levels.ban}; ${sender} has ${level}.`;
    return refuse('leave.unban', version, reason);
  }
  if (level < levels.kick) {
    const reason = `Removing somebody needs power level ${levels.kick}; ${sender} has ${level}.`;
    return refuse('leave.otherwise', version, reason);
  }
  if (userLevel(levels, target) < level) return ALLOWED;
  return refuse('leave.otherwise', version, outranked(target, sender));
}

/** m.room.member with `ban`. */
export function checkBan(subject: Subject, target: string): Verdict {
  const { event, version } = subject;
  const { sender } = event;
  if (membershipOf(subject, sender) !== 'join') {
    return refuse('ban.sender', version, `${sender} has to be in the room to ban somebody.`);
  }
  const levels = levelsFor(subject);
  const level = userLevel(levels, sender);
  if (level < levels.ban) {
    const reason = `Banning needs power level ${levels.ban}; ${sender} has ${level}.`;
    return refuse('ban.otherwise', version, reason);
  }
  if (userLevel(levels, target) < level) return ALLOWED;
  return refuse('ban.otherwise', version, outranked(target, sender));
}

function outranked(target: string, sender: string): string {
  return `The power level of ${target} is not below that of ${sender}.`;
}
