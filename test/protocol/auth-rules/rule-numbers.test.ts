import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ruleNumbers, type RuleName } from '../../../src/protocol/auth-rules/index.js';
import { ROOM_VERSIONS } from '../../../src/protocol/room-versions.js';

/** Which of the specification's lists (test/fixtures/auth-rules, copied from its source) a version uses. */
const LISTS: Record<string, string> = {
  ...{ 1: 'v1', 2: 'v1', 3: 'v3', 4: 'v3', 5: 'v3', 6: 'v6' },
  ...{ 7: 'v7', 8: 'v8', 9: 'v8', 10: 'v10', 11: 'v11', 12: 'v12' },
};

interface Item {
  text: string;
  readonly parent: string;
  readonly children: Item[];
}

/** The points of a Markdown list by number; numbered by place, as Markdown displays them. */
function readList(file: string): Map<string, Item> {
  const markdown = readFileSync(new URL(`../../fixtures/auth-rules/${file}.md`, import.meta.url), 'utf8');
  const items = new Map<string, Item>();
  const open: { indent: number; number: string; item: Item }[] = [];
  let top = 0;
  for (const line of markdown.replaceAll(/\{\{.*?\}\}/g, '').split('\n')) {
    const start = /^( *)\d+\.\s+(.*)$/.exec(line);
    if (start === null) {
      const current = open.at(-1);
      if (current !== undefined) current.item.text = `${current.item.text} ${line.trim()}`.trim();
      continue;
    }
    const [, indent = '', text = ''] = start;
    while ((open.at(-1)?.indent ?? -1) >= indent.length) open.pop();
    const parent = open.at(-1);
    const item: Item = { text: text.trim(), parent: parent?.item.text ?? '', children: [] };
    parent?.item.children.push(item);
    const place = parent === undefined ? (top += 1) : parent.item.children.length;
    const number = parent === undefined ? `${place}` : `${parent.number}.${place}`;
    items.set(number, item);
    open.push({ indent: indent.length, number, item });
  }
  return items;
}

/** What the rule's own point says, and the point above it. */
const TEXTS: Record<RuleName, readonly [text: string | RegExp, above: string | RegExp]> = {
  'create.prev_events': ['has any `prev_events`, reject', 'type is `m.room.create`'],
  'create.room_id': [/domain of the `room_id`|has a `room_id`, reject/, 'type is `m.room.create`'],
  'create.room_version': ['`content.room_version` is present', 'type is `m.room.create`'],
  'create.creator': ['no `creator` property', 'type is `m.room.create`'],
  'create.additional_creators': ['`additional_creators` is present', 'type is `m.room.create`'],
  room_id: ["event's `room_id` is not an event ID for an accepted", ''],
  'auth_events.duplicate': ['duplicate entries', 'Considering'],
  'auth_events.unexpected': ['specified by the [auth events selection]', 'Considering'],
  'auth_events.rejected': ['themselves rejected', 'Considering'],
  'auth_events.no_create': ['no `m.room.create` event among', 'Considering'],
  'auth_events.other_room': ['`room_id` which does not match', 'Considering'],
  federate: ['`m.federate` set to `false`', ''],
  'aliases.state_key': ['no `state_key`, reject', 'type is `m.room.aliases`'],
  'aliases.server': ["sender's domain doesn't match `state_key`", 'type is `m.room.aliases`'],
  'member.shape': ['no `membership` property in `content`', 'type is `m.room.member`'],
  'member.authoriser_signature': ['not validly signed', '`join_authorised_via_users_server`'],
  'member.unknown': ['the membership is unknown. Reject', 'type is `m.room.member`'],
  'join.sender': ['`sender` does not match `state_key`, reject', '`membership` is `join`'],
  'join.banned': ['the `sender` is banned, reject', '`membership` is `join`'],
  'join.authoriser': [
    'is not a user with sufficient permission to invite',
    'the `join_rule` is `restricted`',
  ],
  'join.otherwise': ['Otherwise, reject', '`membership` is `join`'],
  'third_party.banned': ['*target user* is banned', '`third_party_invite` property'],
  'third_party.unsigned': ['does not have a `signed` property', '`third_party_invite` property'],
  'third_party.incomplete': ['does not have `mxid` and `token`', '`third_party_invite` property'],
  'third_party.mxid': ['`mxid` does not match `state_key`', '`third_party_invite` property'],
  'third_party.token': ['there is no `m.room.third_party_invite` event', '`third_party_invite` property'],
  'third_party.sender': ['`sender` does not match `sender`', '`third_party_invite` property'],
  'third_party.otherwise': ['Otherwise, reject', '`third_party_invite` property'],
  'invite.sender': ['current membership state is not `join`', '`membership` is `invite`'],
  'invite.target': ["*target user*'s current membership state is `join`", '`membership` is `invite`'],
  'invite.otherwise': ['Otherwise, reject', '`membership` is `invite`'],
  'leave.own': ['allow if and only if', '`membership` is `leave`'],
  'leave.sender': ["`sender`'s current membership state is not `join`", '`membership` is `leave`'],
  'leave.unban': ['less than the *ban level*', '`membership` is `leave`'],
  'leave.otherwise': ['Otherwise, reject', '`membership` is `leave`'],
  'ban.sender': ["`sender`'s current membership state is not `join`", '`membership` is `ban`'],
  'ban.otherwise': ['Otherwise, reject', '`membership` is `ban`'],
  'knock.join_rule': ['`join_rule` is anything other than `knock`', '`membership` is `knock`'],
  'knock.sender': ['`sender` does not match `state_key`', '`membership` is `knock`'],
  'knock.otherwise': ['Otherwise, reject', '`membership` is `knock`'],
  sender: ["`sender`'s current membership state is not `join`, reject", ''],
  third_party_invite: ['Allow if and only if', 'type is `m.room.third_party_invite`'],
  required_level: ['*required power level* is greater', ''],
  state_key: ['`state_key` that starts with an `@`', ''],
  'power_levels.properties': ['are present and not an integer', 'type is `m.room.power_levels`'],
  'power_levels.maps': [
    'either of the properties `events` or `notifications`',
    'type is `m.room.power_levels`',
  ],
  'power_levels.users': ['valid user IDs with values that are integers', 'type is `m.room.power_levels`'],
  'power_levels.creators': ['any of the `additional_creators`', 'type is `m.room.power_levels`'],
  'power_levels.property_current': ['current value is', 'check if they were added, changed or removed'],
  'power_levels.property_new': ['new value is', 'check if they were added, changed or removed'],
  'power_levels.entry_current': [/current value is greater than the/, 'removed from, the `events`'],
  'power_levels.entry_new': ['new value is greater', /added to, or changed in,? the `events`/],
  'power_levels.user_current': ['greater than or equal to', 'removed from, the `users` property'],
  'power_levels.user_new': ['new value is greater', 'changed in, the `users` property'],
  'redaction.otherwise': ['Otherwise, reject', 'type is `m.room.redaction`'],
};

describe.each([...ROOM_VERSIONS.values()])('the rule numbers of room version $id', (version) => {
  const list = readList(LISTS[version.id] ?? '');
  const numbers = ruleNumbers(version);

  test.each([...numbers])('%s is %s', (name, number) => {
    const item = list.get(number);
    const [text, above] = TEXTS[name];
    expect(item?.text).toMatch(text);
    expect(item?.parent).toMatch(above);
  });

  test('every point of the specification that refuses has a name', () => {
    const refusing = [...list]
      .filter(
        ([, { text, children }]) => children.length === 0 && /reject[,.]|allow if and only if/i.test(text),
      )
      .map(([number]) => number);
    expect([...numbers.values()]).toEqual(refusing);
  });
});
