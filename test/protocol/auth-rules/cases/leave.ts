import type { AuthRules } from '../../../../src/protocol/room-versions.js';
import { alice, bob, carol, type TestRoom } from '../../../support/room.js';
import { allowed, member, refused, ruled, type AuthCase } from './case.js';

const knock = (auth: AuthRules) => auth.knock;
const noKnock = (auth: AuthRules) => !auth.knock;
const privileged = (auth: AuthRules) => auth.privilegedCreators;

const room = (r: TestRoom) => r.createdBy(alice);
const leave = (r: TestRoom) => r.event(member(bob, bob, 'leave'));
const kick = (r: TestRoom) => r.event(member(bob, carol, 'leave'));
const ban = (r: TestRoom) => r.event(member(bob, carol, 'ban'));
const both = (r: TestRoom, bobs: number, carols: number, more = {}) =>
  ruled(r, { [bob.id]: bobs, [carol.id]: carols }, more).joinedBy(bob, carol);

export const leaveCases: AuthCase[] = [
  allowed('from the room', (r) => leave(room(r).joinedBy(bob))),
  allowed('declining an invitation', (r) => leave(room(r).invited(bob))),
  allowed('taking back a knock', (r) => leave(room(r).knockedBy(bob)), knock),
  refused(
    'leave.own',
    'taking back a knock, where there is none',
    (r) => leave(room(r).knockedBy(bob)),
    noKnock,
  ),
  refused('leave.own', 'without having been there', (r) => leave(room(r))),
  refused('leave.own', 'a second time', (r) => leave(room(r).joinedBy(bob).leftBy(bob))),
  refused('leave.own', 'after a ban', (r) => leave(room(r).banned(bob))),
  allowed('kicking somebody below', (r) => kick(both(r, 50, 49))),
  allowed('kicking at a level of its own', (r) => kick(both(r, 10, 0, { kick: 10 }))),
  allowed('revoking an invitation', (r) =>
    kick(
      ruled(r, { [bob.id]: 50 })
        .joinedBy(bob)
        .invited(carol),
    ),
  ),
  refused('leave.otherwise', 'kicking an equal', (r) => kick(both(r, 50, 50))),
  refused('leave.otherwise', 'kicking somebody above', (r) => kick(both(r, 50, 51))),
  refused('leave.otherwise', 'kicking below the level for it', (r) => kick(both(r, 49, 0))),
  refused('leave.sender', 'kicking from outside', (r) => kick(ruled(r, { [bob.id]: 50 }).joinedBy(carol))),
  refused('leave.sender', 'kicking after leaving', (r) => kick(both(r, 50, 0).leftBy(bob))),
  allowed('lifting a ban', (r) => kick(both(r, 50, 0).banned(carol))),
  refused('leave.unban', 'lifting a ban below the level for it', (r) =>
    kick(both(r, 50, 0, { ban: 60 }).banned(carol)),
  ),
  refused('leave.otherwise', 'lifting a ban without being able to kick', (r) =>
    kick(both(r, 50, 0, { kick: 60 }).banned(carol)),
  ),
  refused('leave.otherwise', 'kicking the creator', (r) =>
    ruled(r, { [bob.id]: 100 })
      .joinedBy(bob)
      .event(member(bob, alice, 'leave')),
  ),
  allowed(
    'kicking as creator, whatever the level',
    (r) =>
      ruled(r, { [bob.id]: 1000 })
        .joinedBy(bob)
        .event(member(alice, bob, 'leave')),
    privileged,
  ),
  refused(
    'leave.otherwise',
    'kicking one creator by another',
    (r) =>
      r
        .createdBy(alice, { additional_creators: [bob.id] })
        .joinedBy(bob)
        .event(member(alice, bob, 'leave')),
    privileged,
  ),
];

export const banCases: AuthCase[] = [
  allowed('somebody below', (r) => ban(both(r, 50, 49))),
  allowed('somebody who is not there', (r) => ban(ruled(r, { [bob.id]: 50 }).joinedBy(bob))),
  allowed('at a level of its own', (r) => ban(both(r, 10, 0, { ban: 10 }))),
  refused('ban.sender', 'from outside', (r) => ban(ruled(r, { [bob.id]: 50 }))),
  refused('ban.sender', 'as somebody banned', (r) => ban(ruled(r, { [bob.id]: 50 }).banned(bob))),
  refused('ban.otherwise', 'below the level for it', (r) => ban(both(r, 49, 0))),
  refused('ban.otherwise', 'an equal', (r) => ban(both(r, 50, 50))),
  refused('ban.otherwise', 'oneself', (r) => both(r, 50, 0).event(member(bob, bob, 'ban'))),
];

const knocking = (r: TestRoom) => r.event(member(bob, bob, 'knock'));

export const knockCases: AuthCase[] = [
  allowed('where one may', (r) => knocking(room(r).joinRule('knock')), knock),
  allowed('again', (r) => knocking(room(r).joinRule('knock').knockedBy(bob)), knock),
  allowed('after leaving', (r) => knocking(room(r).joinRule('knock').joinedBy(bob).leftBy(bob)), knock),
  allowed(
    'in a restricted room',
    (r) => knocking(room(r).joinRule('knock_restricted')),
    (a) => a.knockRestricted,
  ),
  refused(
    'knock.join_rule',
    'in a restricted room, too early',
    (r) => knocking(room(r).joinRule('knock_restricted')),
    (auth) => auth.knock && !auth.knockRestricted,
  ),
  refused('knock.join_rule', 'in a public room', (r) => knocking(room(r).joinRule('public')), knock),
  refused('knock.join_rule', 'without join rules', (r) => knocking(room(r)), knock),
  refused(
    'knock.sender',
    'for another',
    (r) =>
      room(r)
        .joinRule('knock')
        .event(member(carol, bob, 'knock')),
    knock,
  ),
  refused('knock.otherwise', 'as a member', (r) => knocking(room(r).joinRule('knock').joinedBy(bob)), knock),
  refused('knock.otherwise', 'invited', (r) => knocking(room(r).joinRule('knock').invited(bob)), knock),
  refused('knock.otherwise', 'banned', (r) => knocking(room(r).joinRule('knock').banned(bob)), knock),
  refused('member.unknown', 'where nobody can', (r) => knocking(room(r).joinRule('knock')), noKnock),
];

export const memberCases: AuthCase[] = [
  refused('member.shape', 'without a state key', (r) =>
    room(r).event({ type: 'm.room.member', sender: alice, content: { membership: 'join' } }),
  ),
  refused('member.shape', 'without a membership', (r) =>
    room(r).event({ type: 'm.room.member', sender: alice, stateKey: alice.id }),
  ),
  ...['dance', '', 'constructor', 'Join'].map((membership) =>
    refused('member.unknown', `"${membership}"`, (r) => room(r).event(member(alice, alice, membership))),
  ),
  ...[null, 1, ['join'], { join: true }].map((membership) =>
    refused('member.unknown', JSON.stringify(membership), (r) =>
      room(r).event({ type: 'm.room.member', sender: alice, stateKey: alice.id, content: { membership } }),
    ),
  ),
];
