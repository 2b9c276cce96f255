import type { LoggedRecord } from '../../src/log/log.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { forgetsEvents } from './forgetting.js';
import { MemoryLog } from './memory-log.js';
import { RecordedRoom } from './records.js';
import { alice, bob, carol, dave, erin } from './room.js';

/** A content that a parser of JSON makes, `__proto__` as a key like any other. */
export function parsed(text: string): JsonObject {
  return JSON.parse(text) as JsonObject;
}

/**
 * Records of rooms of several versions in which much happens, also what should not: redactions of messages, state
 * and redactions, bans, returns, forgetting, forks, contents of no sensible form, commits of several records.
 */
export function richRooms(): LoggedRecord[] {
  const log = new MemoryLog();
  for (const version of ['1', '10', '11', '12']) {
    richRoom(log, new RecordedRoom(log, version, `rich${version}`), version === '1' || version === '12');
  }
  return log.records;
}

function richRoom(log: MemoryLog, room: RecordedRoom, more: boolean): void {
  room.together(() => room.tell((r) => r.createdBy(alice, { type: 'm.space' }).joinRule('public')));
  const name = room.tell((r) => r.setState(alice, 'm.room.name', { name: 'A name to regret' }));
  room.list('public', alice);
  room.tell((r) =>
    r
      .setState(alice, 'm.room.topic', { topic: 'Weather' })
      .joinedBy(bob, carol)
      .setState(alice, 'm.room.name', { name: 'A better name' })
      .says(bob, 'Hello')
      .invited(dave),
  );
  const said = room.tell((r) => r.says(bob, 'What I should not have said'));
  const redaction = room.redact(bob, said, { reason: 'I regret it' });
  room.redact(alice, redaction);
  room.redact(alice, said, { reason: 'again' });
  room.redact(alice, name);
  const join = room.tell((r) =>
    r.membership(carol, carol, 'join', { displayname: 'Rude', avatar_url: 'mxc://a/b' }),
  );
  room.redact(alice, join);
  if (more) room.together(() => { weirdContents(room); }); // prettier-ignore
  room.tell((r) => r.banned(carol).membership(alice, carol, 'leave').leftBy(bob));
  room.forgottenBy(bob);
  room.forgottenBy(dave);
  room.tell((r) => r.joinedBy(bob).leftBy(dave).knockedBy(erin));
  room.tell((r) => r.banned(erin));
  room.forgottenBy(erin);
  room.together(() => {
    room.tell((r) => r.invited(erin).joinedBy(erin).invited(dave).says(erin, 'All at once'));
  });
  if (more) fork(room);
  room.list('private', alice);
  const spoken = room.tell((r) => r.says(alice, 'Farewell'));
  forgetsEvents(
    log,
    [said, redaction, name, join].map(({ eventId }) => eventId),
  );
  forgetsEvents(
    log,
    [spoken, room.room.get('m.room.topic') ?? spoken].map(({ eventId }) => eventId),
    'erased',
  );
}

function weirdContents(room: RecordedRoom): void {
  for (const content of [
    { 'm.relates_to': 5 },
    { 'm.relates_to': { event_id: 5, rel_type: [] } },
    { 'm.relates_to': { event_id: `$${'x'.repeat(20_000)}`, rel_type: 'm.thread' } },
    { 'm.relates_to': { event_id: '$root', rel_type: 'm.thread' }, url: null },
    { 'm.relates_to': { 'm.in_reply_to': { event_id: '$root' } } },
    parsed('{"__proto__":{"m.relates_to":{"rel_type":"a","event_id":"b"}},"constructor":1,"toString":{}}'),
    { body: '\u2028\u0000"\\ \u{1f600} '.repeat(1000) },
    {},
  ]) {
    room.send({ type: 'm.room.message', sender: bob, content });
  }
  room.send({ type: '__proto__', sender: bob, stateKey: '__proto__', content: parsed('{"__proto__":5}') });
  for (const [type, content] of [
    ['m.room.name', { name: 5 }],
    ['m.room.topic', { topic: {} }],
    ['m.room.avatar', { url: ['mxc://a/b'] }],
    ['m.room.canonical_alias', { alias: null }],
    ['m.room.join_rules', { join_rule: 7 }],
    ['m.room.guest_access', { guest_access: {} }],
    ['m.room.history_visibility', { history_visibility: 'whatever' }],
    ['m.room.encryption', { algorithm: 1 }],
    ['m.room.tombstone', {}],
  ] as const) {
    room.send({ type, sender: alice, stateKey: '', content });
  }
  room.tell((r) => r.membership(bob, bob, 'join', { displayname: {}, avatar_url: 5 }));
}

/** Two branches, and a resolution that takes an event back, drops one, and takes one in that was soft-failed. */
function fork(room: RecordedRoom): void {
  const old = room.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'Before' }));
  const kicked = room.room.event({ type: 'm.room.member', sender: alice, stateKey: erin.id, content: { membership: 'leave' } }); // prettier-ignore
  room.softFail(kicked);
  room.outlier(
    room.room.event({ type: 'm.room.topic', sender: dave, stateKey: '', content: { topic: 'Outside' } }),
  );
  const refused = room.room.event({
    type: 'm.room.name',
    sender: dave,
    stateKey: '',
    content: { name: 'Refused' },
  });
  room.outlier(refused, { rule: '5', reason: 'Not in the room.' });
  const newer = room.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'After' }));
  const member = (id: string) => room.room.get('m.room.member', id)?.eventId ?? null;
  room.send(
    { type: 'm.room.message', sender: alice, content: { body: 'Merged' } },
    {
      current: {
        root: 'merged',
        delta: [
          { type: 'm.room.topic', state_key: '', event_id: old.eventId, replaces: newer.eventId },
          { type: 'm.room.member', state_key: erin.id, event_id: kicked.eventId, replaces: member(erin.id) },
          { type: 'm.room.member', state_key: bob.id, event_id: null, replaces: member(bob.id) },
          { type: 'm.room.avatar', state_key: '', event_id: '$unknown', replaces: null },
        ],
      },
    },
  );
  room.send({ type: 'm.room.message', sender: alice, content: {} }, { extremities: ['$one', '$other'] });
}
