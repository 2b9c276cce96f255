import type { JsonObject } from '../../../../src/protocol/json.js';
import type { AuthRules } from '../../../../src/protocol/room-versions.js';
import { alice, bob, carol, dave, mallory, type TestRoom } from '../../../support/room.js';
import { allowed, join, member, refused, ruled, type AuthCase } from './case.js';

const named = (auth: AuthRules) => auth.creatorInContent;
const unnamed = (auth: AuthRules) => !auth.creatorInContent;
const privileged = (auth: AuthRules) => auth.privilegedCreators;
const through = (who: { id: string }): JsonObject => ({ join_authorised_via_users_server: who.id });

const room = (rule: string) => (empty: TestRoom) => empty.createdBy(alice).joinRule(rule);

/** A join rule by which members let people in, and by whose versions it is understood. */
function restrictedCases(rule: string, where: (auth: AuthRules) => boolean): AuthCase[] {
  const restricted = room(rule);
  const high = (empty: TestRoom) =>
    ruled(empty, { [carol.id]: 50 }, { invite: 50 })
      .joinRule(rule)
      .joinedBy(carol, dave);
  const elsewhere = (auth: AuthRules) => !where(auth);
  return [
    allowed(`${rule}: invited`, (r) => restricted(r).invited(bob).event(join(bob)), where),
    allowed(`${rule}: already in the room`, (r) => restricted(r).joinedBy(bob).event(join(bob)), where),
    allowed(`${rule}: through a member`, (r) => restricted(r).event(join(bob, through(alice))), where),
    allowed(`${rule}: through one who may invite`, (r) => high(r).event(join(bob, through(carol))), where),
    refused('join.authoriser', `${rule}: through nobody`, (r) => restricted(r).event(join(bob)), where),
    refused(
      'join.authoriser',
      `${rule}: through a stranger`,
      (r) => restricted(r).event(join(bob, through(dave))),
      where,
    ),
    refused(
      'join.authoriser',
      `${rule}: through somebody who left`,
      (r) =>
        high(r)
          .leftBy(carol)
          .event(join(bob, through(carol))),
      where,
    ),
    refused(
      'join.authoriser',
      `${rule}: through one who may not invite`,
      (r) => high(r).event(join(bob, through(dave))),
      where,
    ),
    refused(
      'join.banned',
      `${rule}: banned`,
      (r) =>
        restricted(r)
          .banned(bob)
          .event(join(bob, through(alice))),
      where,
    ),
    refused(
      'join.otherwise',
      `${rule}: not known to the version`,
      (r) => restricted(r).event(join(bob)),
      elsewhere,
    ),
    refused(
      'join.otherwise',
      `${rule}: not known to the version, invited`,
      (r) =>
        restricted(r)
          .invited(bob)
          .event(join(bob, through(alice))),
      elsewhere,
    ),
  ];
}

export const joinCases: AuthCase[] = [
  allowed('the creator, first of all', (r) => r.begunBy(alice).event(join(alice))),
  refused('join.otherwise', 'another than the creator, first of all', (r) =>
    r.begunBy(alice).event(join(bob)),
  ),
  refused('join.otherwise', 'the creator, later, uninvited', (r) =>
    r.createdBy(alice).leftBy(alice).event(join(alice)),
  ),
  allowed('the creator named', (r) => r.begunBy(alice, { creator: bob.id }).event(join(bob)), named),
  refused(
    'join.otherwise',
    'not the creator named',
    (r) => r.begunBy(alice, { creator: bob.id }).event(join(alice)),
    named,
  ),
  refused(
    'join.otherwise',
    'one whom `creator` names, where it means nothing',
    (r) => r.begunBy(alice, { creator: bob.id }).event(join(bob)),
    unnamed,
  ),
  refused(
    'join.otherwise',
    'an additional creator, uninvited',
    (r) => r.begunBy(alice, { additional_creators: [bob.id] }).event(join(bob)),
    privileged,
  ),
  refused('join.sender', 'for somebody else', (r) => room('public')(r).event(member(alice, bob, 'join'))),
  refused('join.banned', 'banned from a public room', (r) => room('public')(r).banned(bob).event(join(bob))),
  allowed('public', (r) => room('public')(r).event(join(bob))),
  allowed('public, after leaving', (r) => room('public')(r).joinedBy(bob).leftBy(bob).event(join(bob))),
  allowed('invite: invited', (r) => room('invite')(r).invited(bob).event(join(bob))),
  allowed('invite: a new name', (r) =>
    room('invite')(r)
      .joinedBy(bob)
      .event(join(bob, { displayname: 'Bob' })),
  ),
  refused('join.otherwise', 'invite: uninvited', (r) => room('invite')(r).event(join(bob))),
  refused('join.otherwise', 'invite: after leaving', (r) =>
    room('invite')(r).joinedBy(bob).leftBy(bob).event(join(bob)),
  ),
  refused('join.otherwise', 'invite: knocking', (r) => room('invite')(r).knockedBy(bob).event(join(bob))),
  allowed('no join rules: invited', (r) => r.createdBy(alice).invited(bob).event(join(bob))),
  refused('join.otherwise', 'no join rules: uninvited', (r) => r.createdBy(alice).event(join(bob))),
  refused('join.otherwise', 'private: invited', (r) => room('private')(r).invited(bob).event(join(bob))),
  refused('join.otherwise', 'a rule that is no text', (r) =>
    r
      .createdBy(alice)
      .setState(alice, 'm.room.join_rules', { join_rule: null })
      .invited(bob)
      .event(join(bob)),
  ),
  allowed(
    'knock: invited',
    (r) => room('knock')(r).invited(bob).event(join(bob)),
    (auth) => auth.knock,
  ),
  refused('join.otherwise', 'knock: knocking', (r) => room('knock')(r).knockedBy(bob).event(join(bob))),
  refused(
    'join.otherwise',
    'knock: invited',
    (r) => room('knock')(r).invited(bob).event(join(bob)),
    (auth) => !auth.knock,
  ),
  ...restrictedCases('restricted', (auth) => auth.restricted),
  ...restrictedCases('knock_restricted', (auth) => auth.knockRestricted),
];

const signed = { verifiedServers: new Set([bob.server, carol.server]) };
const unsigned = { verifiedServers: new Set([bob.server]) };
const open = (r: TestRoom) => room('public')(r).joinedBy(carol);

export const authoriserSignatureCases: AuthCase[] = [
  allowed('signed by its server', (r) => open(r).event(join(bob, through(carol))), undefined, signed),
  refused(
    'member.authoriser_signature',
    'not signed by its server',
    (r) => open(r).event(join(bob, through(carol))),
    (auth) => auth.restricted,
    unsigned,
  ),
  allowed(
    'not signed, where nobody asks',
    (r) => open(r).event(join(bob, through(carol))),
    (a) => !a.restricted,
    unsigned,
  ),
  refused(
    'member.authoriser_signature',
    'not signed, on leaving',
    (r) =>
      open(r)
        .joinedBy(bob)
        .event(member(bob, bob, 'leave', through(mallory))),
    (auth) => auth.restricted,
    unsigned,
  ),
  ...[null, 7, 'carol', [carol.id]].map((value) =>
    refused(
      'member.authoriser_signature',
      `${JSON.stringify(value)} has no server`,
      (r) => open(r).event(join(bob, { join_authorised_via_users_server: value })),
      (auth) => auth.restricted,
    ),
  ),
];
