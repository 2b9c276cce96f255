import type { AuthRules } from '../../../../src/protocol/room-versions.js';
import { alice, bob, carol, dave, type TestRoom } from '../../../support/room.js';
import { allowed, join, member, message, refused, ruled, state, type AuthCase } from './case.js';

const aliases = (auth: AuthRules) => auth.aliases;
const noAliases = (auth: AuthRules) => !auth.aliases;
const redactions = (auth: AuthRules) => auth.redactions;
const privileged = (auth: AuthRules) => auth.privilegedCreators;

const room = (r: TestRoom) => r.createdBy(alice).joinedBy(bob);
const local = (r: TestRoom) => r.createdBy(alice, { 'm.federate': false }).joinRule('public');

export const federateCases: AuthCase[] = [
  allowed('own users join', (r) => local(r).event(join(bob))),
  refused('federate', 'other users join', (r) => local(r).event(join(carol))),
  refused('federate', 'other users send', (r) => local(r).joinedBy(carol).event(message(carol))),
  allowed('true', (r) => r.createdBy(alice, { 'm.federate': true }).joinRule('public').event(join(carol))),
  allowed('what is not false', (r) =>
    r.createdBy(alice, { 'm.federate': 'false' }).joinRule('public').event(join(carol)),
  ),
];

const setAliases = (r: TestRoom, stateKey: string) =>
  r.event(state(carol, 'm.room.aliases', { aliases: [] }, stateKey));

export const aliasesCases: AuthCase[] = [
  allowed("of one's own server, even from outside", (r) => setAliases(room(r), carol.server), aliases),
  refused(
    'aliases.server',
    'of another server',
    (r) => setAliases(room(r).joinedBy(carol), bob.server),
    aliases,
  ),
  refused(
    'aliases.state_key',
    'of no server',
    (r) => room(r).event({ type: 'm.room.aliases', sender: alice }),
    aliases,
  ),
  refused('sender', 'from outside, as any event', (r) => setAliases(room(r), carol.server), noAliases),
  refused(
    'required_level',
    'like any state',
    (r) => setAliases(room(r).joinedBy(carol), carol.server),
    noAliases,
  ),
];

export const senderCases: AuthCase[] = [
  allowed('who joined', (r) => room(r).event(message(bob))),
  refused('sender', 'who never was there', (r) => room(r).event(message(carol))),
  refused('sender', 'who is invited', (r) => room(r).invited(carol).event(message(carol))),
  refused('sender', 'who knocked', (r) => room(r).knockedBy(carol).event(message(carol))),
  refused('sender', 'who left', (r) => room(r).leftBy(bob).event(message(bob))),
  refused('sender', 'who is banned', (r) => room(r).banned(bob).event(message(bob))),
  refused('sender', 'who created the room and left', (r) => room(r).leftBy(alice).event(message(alice))),
];

const offer = state(bob, 'm.room.third_party_invite', { display_name: 'c...' }, 'token');

export const thirdPartyInviteCases: AuthCase[] = [
  allowed('by a member, whatever state needs', (r) => room(r).event(offer)),
  allowed('with the level to invite', (r) =>
    ruled(r, { [bob.id]: 10 }, { invite: 10 })
      .joinedBy(bob)
      .event(offer),
  ),
  refused('third_party_invite', 'below the level to invite', (r) =>
    ruled(r, { [bob.id]: 9 }, { invite: 10, state_default: 0 })
      .joinedBy(bob)
      .event(offer),
  ),
];

export const requiredLevelCases: AuthCase[] = [
  allowed('a message, by default', (r) => room(r).event(message(bob))),
  allowed('state by the creator, without power levels', (r) => room(r).event(state(alice, 'm.room.name'))),
  refused('required_level', 'state by a member, without power levels', (r) =>
    room(r).event(state(bob, 'm.room.name')),
  ),
  refused('required_level', 'state below the default', (r) =>
    ruled(r, { [bob.id]: 49 })
      .joinedBy(bob)
      .event(state(bob, 'm.room.name')),
  ),
  allowed('state at the default', (r) =>
    ruled(r, { [bob.id]: 50 })
      .joinedBy(bob)
      .event(state(bob, 'm.room.name')),
  ),
  refused('required_level', 'a message below events_default', (r) =>
    ruled(r, {}, { events_default: 1 }).joinedBy(bob).event(message(bob)),
  ),
  refused('required_level', 'below users_default', (r) =>
    ruled(r, {}, { users_default: -1 }).joinedBy(bob).event(message(bob)),
  ),
  allowed('at users_default', (r) =>
    ruled(r, {}, { users_default: 50 }).joinedBy(bob).event(state(bob, 'm.room.name')),
  ),
  allowed('an event type of its own level', (r) =>
    ruled(r, {}, { events: { 'm.room.name': 0 } })
      .joinedBy(bob)
      .event(state(bob, 'm.room.name')),
  ),
  refused('required_level', 'below an event type of its own level', (r) =>
    ruled(r, { [bob.id]: 50 }, { events: { 'm.room.message': 51 } })
      .joinedBy(bob)
      .event(message(bob)),
  ),
  allowed('a type with the name of a method', (r) =>
    ruled(r, {}, { events: {} }).joinedBy(bob).event({ type: 'constructor', sender: bob }),
  ),
  allowed(
    'by a creator, whatever the level',
    (r) => ruled(r, {}, { events: { 'm.room.name': 1000 } }).event(state(alice, 'm.room.name')),
    privileged,
  ),
  allowed(
    'by an additional creator',
    (r) =>
      r
        .createdBy(alice, { additional_creators: [bob.id] })
        .joinedBy(bob)
        .event(state(bob, 'm.room.name')),
    privileged,
  ),
  refused(
    'required_level',
    'by the creator, below the level',
    (r) => ruled(r, {}, { events: { 'm.room.name': 101 } }).event(state(alice, 'm.room.name')),
    (auth) => !auth.privilegedCreators,
  ),
];

const free = (r: TestRoom) => ruled(r, {}, { state_default: 0 }).joinedBy(bob);

export const stateKeyCases: AuthCase[] = [
  allowed("one's own user ID", (r) => free(r).event(state(bob, 'org.example.mood', {}, bob.id))),
  refused('state_key', "somebody else's", (r) => free(r).event(state(bob, 'org.example.mood', {}, alice.id))),
  refused('state_key', "somebody else's, by the creator", (r) =>
    free(r).event(state(alice, 'org.example.mood', {}, bob.id)),
  ),
  refused('state_key', 'what only begins like one', (r) =>
    free(r).event(state(bob, 'org.example.mood', {}, '@')),
  ),
  allowed('any other text', (r) => free(r).event(state(bob, 'org.example.mood', {}, `of ${alice.id}`))),
];

const redaction = (r: TestRoom, redacts: string | undefined) =>
  r.event({ type: 'm.room.redaction', sender: bob, ...(redacts !== undefined && { redacts }) });

export const redactionCases: AuthCase[] = [
  allowed('of the same server', (r) => redaction(room(r), '$message:one.example'), redactions),
  refused(
    'redaction.otherwise',
    'of another server',
    (r) => redaction(room(r), '$message:two.example'),
    redactions,
  ),
  refused('redaction.otherwise', 'of no server', (r) => redaction(room(r), '$message'), redactions),
  refused('redaction.otherwise', 'of nothing', (r) => redaction(room(r), undefined), redactions),
  allowed('with the level to redact', (r) =>
    redaction(ruled(r, { [bob.id]: 50 }).joinedBy(bob), '$message:two.example'),
  ),
  refused(
    'redaction.otherwise',
    'below a level of its own',
    (r) => redaction(ruled(r, { [bob.id]: 50 }, { redact: 51 }).joinedBy(bob), '$message:two.example'),
    redactions,
  ),
  allowed(
    'of anything, for it is decided later',
    (r) => redaction(room(r), '$message:two.example'),
    (a) => !a.redactions,
  ),
  refused('required_level', 'below the level to send any', (r) =>
    redaction(ruled(r, {}, { events: { 'm.room.redaction': 1 } }).joinedBy(bob), '$message:one.example'),
  ),
];

export const roomCases: AuthCase[] = [
  refused(
    'auth_events.no_create',
    'without a create event',
    (r) => {
      const event = r.event({ ...message(bob), roomId: '!elsewhere:one.example' });
      return event;
    },
    (auth) => auth.createInAuthEvents,
  ),
  refused(
    'room_id',
    'without a create event',
    (r) => r.event({ ...message(bob), roomId: '!elsewhere' }),
    privileged,
  ),
  refused(
    'auth_events.other_room',
    'in another room',
    (r) => room(r).event({ ...message(bob), roomId: '!elsewhere:one.example' }),
    (auth) => auth.createInAuthEvents,
  ),
  refused(
    'room_id',
    'in a room ID of another create event',
    (r) => room(r).event({ ...message(bob), roomId: `!${'A'.repeat(43)}` }),
    privileged,
  ),
  refused(
    'room_id',
    'a member joins by another room ID',
    (r) =>
      room(r)
        .joinRule('public')
        .event({ ...member(dave, dave, 'join'), roomId: '!elsewhere:one.example' }),
    privileged,
  ),
];
