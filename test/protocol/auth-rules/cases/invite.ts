import type { JsonObject, JsonValue } from '../../../../src/protocol/json.js';
import { alice, bob, carol, dave, mallory, type TestRoom } from '../../../support/room.js';
import { InviteKey } from '../../../support/third-party.js';
import { allowed, member, refused, ruled, type AuthCase } from './case.js';

const invite = (room: TestRoom) => room.event(member(bob, carol, 'invite'));
const basic = (room: TestRoom) => room.createdBy(alice).joinedBy(bob);

export const inviteCases: AuthCase[] = [
  allowed('by a member', (r) => invite(basic(r))),
  allowed('again', (r) => invite(basic(r).invited(carol))),
  allowed('after leaving', (r) => invite(basic(r).joinedBy(carol).leftBy(carol))),
  allowed('who knocked', (r) => invite(basic(r).knockedBy(carol))),
  allowed('with the level it needs', (r) => invite(ruled(r, { [bob.id]: 50 }, { invite: 50 }).joinedBy(bob))),
  refused('invite.otherwise', 'below the level', (r) =>
    invite(ruled(r, { [bob.id]: 49 }, { invite: 50 }).joinedBy(bob)),
  ),
  refused('invite.otherwise', 'below the default level', (r) =>
    invite(ruled(r, { [bob.id]: -1 }).joinedBy(bob)),
  ),
  refused('invite.sender', 'by a stranger', (r) => invite(r.createdBy(alice))),
  refused('invite.sender', 'by somebody invited', (r) => invite(r.createdBy(alice).invited(bob))),
  refused('invite.sender', 'by somebody who left', (r) => invite(basic(r).leftBy(bob))),
  refused('invite.target', 'a member', (r) => invite(basic(r).joinedBy(carol))),
  refused('invite.target', 'somebody banned', (r) => invite(basic(r).banned(carol))),
];

const identity = new InviteKey('identity server');
const second = new InviteKey('its second key');
const other = new InviteKey('somebody else');
const TOKEN = 'token-1';
const claim: JsonObject = { mxid: carol.id, token: TOKEN };

/** A room where bob has invited carol's e-mail address. */
function offered(room: TestRoom, keys: JsonObject = { public_key: identity.public }): TestRoom {
  return basic(room).setState(bob, 'm.room.third_party_invite', { display_name: 'c...', ...keys }, TOKEN);
}

function taken(room: TestRoom, signed: JsonValue = identity.sign(claim), sender = bob, target = carol) {
  const content = { third_party_invite: { display_name: 'c...', signed } };
  return room.event(member(sender, target, 'invite', content));
}

export const thirdPartyCases: AuthCase[] = [
  allowed('signed by public_key', (r) => taken(offered(r))),
  allowed('signed by one of public_keys', (r) =>
    taken(offered(r, { public_keys: [{ public_key: other.public }, { public_key: identity.public }] })),
  ),
  allowed('beside keys that are none', (r) =>
    taken(
      offered(r, {
        public_key: 7,
        public_keys: [null, {}, { public_key: 'AAAA' }, { public_key: identity.public }],
      }),
    ),
  ),
  allowed('by a key in the URL-safe alphabet', (r) =>
    taken(offered(r, { public_key: second.publicUrlSafe }), second.sign(claim)),
  ),
  allowed('with one good signature among others', (r) => {
    const good = identity.sign(claim)['signatures'] as JsonObject;
    const signatures = { bad: null, worse: { 'ed25519:1': 1, 'rsa:1': 'AAAA' }, ...good };
    return taken(offered(r), { ...claim, signatures });
  }),
  allowed('after the inviter left', (r) => taken(offered(r).leftBy(bob))),
  refused('third_party.banned', 'somebody banned', (r) => taken(offered(r).banned(carol))),
  refused('third_party.unsigned', 'without a signed part', (r) =>
    offered(r).event(member(bob, carol, 'invite', { third_party_invite: { display_name: 'c...' } })),
  ),
  refused('third_party.unsigned', 'that is no object', (r) =>
    offered(r).event(member(bob, carol, 'invite', { third_party_invite: null })),
  ),
  refused('third_party.incomplete', 'without a user', (r) =>
    taken(offered(r), identity.sign({ token: TOKEN })),
  ),
  refused('third_party.incomplete', 'without a token', (r) =>
    taken(offered(r), identity.sign({ mxid: carol.id })),
  ),
  refused('third_party.incomplete', 'with a text as signed part', (r) => taken(offered(r), 'signed')),
  refused('third_party.mxid', 'taken up by somebody else', (r) =>
    taken(offered(r), identity.sign(claim), bob, dave),
  ),
  refused('third_party.token', 'that nobody made', (r) => taken(basic(r))),
  refused('third_party.token', 'with a token that is no text', (r) =>
    taken(offered(r), identity.sign({ ...claim, token: 1 })),
  ),
  refused('third_party.sender', 'in the name of another inviter', (r) =>
    taken(offered(r), identity.sign(claim), alice),
  ),
  refused('third_party.sender', 'sent by a stranger', (r) =>
    taken(offered(r), identity.sign(claim), mallory),
  ),
  refused('third_party.otherwise', 'signed by another key', (r) => taken(offered(r), other.sign(claim))),
  refused('third_party.otherwise', 'not signed at all', (r) => taken(offered(r), claim)),
  refused('third_party.otherwise', 'changed after signing', (r) =>
    taken(offered(r), { ...identity.sign(claim), sender: alice.id }),
  ),
  refused('third_party.otherwise', 'that was taken back', (r) =>
    taken(offered(r, { public_key: undefined })),
  ),
];
