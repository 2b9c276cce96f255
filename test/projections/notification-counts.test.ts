import { describe, expect, test } from 'vitest';
import { alice, bob, carol, Chat, mentions, olga, rules } from './notification-stories.js';

const HIGHLIGHT = ['notify', { set_tweak: 'highlight' }];

describe('messages', () => {
  test('count for the members of ours that did not send them', async () => {
    const chat = new Chat();
    chat.says(alice, '1');
    chat.says(carol, '2');
    chat.says(bob, '3');
    const answers = await chat.answers();
    expect([...answers].map(([id, { unread }]) => [id, unread])).toEqual([
      [alice.id, [2, 0]],
      [bob.id, [0, 0]],
    ]);
  });

  test('that mention a user are highlighted', async () => {
    const chat = new Chat();
    chat.says(carol, 'Alice!', mentions(alice));
    expect([await chat.unread(chat.alice), await chat.unread(chat.bob)]).toEqual([
      [1, 1],
      [1, 0],
    ]);
  });

  test('that only edit, react or notice count for nobody', async () => {
    const chat = new Chat();
    const said = chat.says(carol, '1');
    chat.relates(carol, 'm.replace', said);
    chat.says(carol, 'beep', { msgtype: 'm.notice' });
    chat.room.send({
      type: 'm.reaction',
      sender: carol,
      content: { 'm.relates_to': { rel_type: 'm.annotation', event_id: said.eventId, key: 'x' } },
    });
    expect(await chat.unread(chat.bob)).toEqual([1, 0]);
  });

  test('count for nobody while they are not part of the room', async () => {
    const chat = new Chat();
    const content = { body: 'x' };
    chat.room.softFail(chat.room.room.event({ type: 'm.room.message', sender: carol, content }));
    chat.room.outlier(chat.room.room.event({ type: 'm.room.message', sender: carol, content }));
    expect(await chat.unread(chat.bob)).toEqual([0, 0]);
  });

  test('stop counting when they are redacted', async () => {
    const chat = new Chat();
    const first = chat.positionOf(chat.says(carol, '1'));
    const mention = chat.says(carol, '2', mentions(bob));
    chat.room.redact(carol, mention);
    expect(await chat.unread(chat.bob)).toEqual([1, 0]);
    expect([await chat.listed(chat.alice), await chat.listed(chat.bob)]).toEqual([[first], [first]]);
  });

  test('count among the newest thousand of the room or so, highlights longer', async () => {
    const chat = new Chat();
    const old = chat.says(carol, 'old', mentions(bob));
    for (let i = 0; i < 1150; i++) chat.says(alice, `${i}`);
    const [notifications, highlights] = (await chat.unread(chat.bob)) as [number, number];
    expect(highlights).toBe(1);
    expect(notifications).toBeGreaterThanOrEqual(1001);
    expect(notifications).toBeLessThanOrEqual(1001 + 32);
    const listed = (await chat.answers()).get(bob.id)?.listed ?? [];
    expect(listed).toHaveLength(notifications);
    expect(listed[0]).toMatchObject({ position: chat.positionOf(old), highlight: true });
    expect(listed[1]?.position).toBe(chat.log.head - notifications + 2);
  });

  test('are found on whatever page they are, when they are redacted', async () => {
    const chat = new Chat();
    const said = Array.from({ length: 100 }, (_, i) => chat.says(carol, `${i}`));
    for (const message of said.filter((_, i) => i % 7 === 0 || i < 40)) chat.room.redact(carol, message);
    const left = said.filter((_, i) => i % 7 !== 0 && i >= 40).map((message) => chat.positionOf(message));
    expect(await chat.listed(chat.bob)).toEqual(left);
  });
});

describe('members', () => {
  test('are counted for from their joining on', async () => {
    const chat = new Chat();
    chat.says(carol, 'before');
    chat.room.tell((room) => room.invited(olga));
    chat.says(carol, 'while invited');
    expect(await chat.unread(chat.olga)).toBeUndefined();
    chat.room.tell((room) => room.joinedBy(olga));
    chat.says(carol, 'after');
    expect(await chat.unread(chat.olga)).toEqual([1, 0]);
  });

  test.each([
    ['leave', (chat: Chat) => chat.room.tell((room) => room.leftBy(bob))],
    ['are kicked', (chat: Chat) => chat.room.tell((room) => room.membership(alice, bob, 'leave'))],
    ['are banned', (chat: Chat) => chat.room.tell((room) => room.banned(bob))],
    ['close their account', (chat: Chat) => chat.bob.deactivates()],
  ])('who %s are not', async (_, go) => {
    const chat = new Chat();
    chat.says(carol, '1', mentions(bob));
    go(chat);
    chat.says(carol, '2');
    expect(await chat.unread(chat.bob)).toBeUndefined();
    expect(await chat.documentsOf(chat.bob)).toEqual([]);
    expect(await chat.unread(chat.alice)).toEqual([2, 0]);
  });

  test('who come back begin at nothing', async () => {
    const chat = new Chat();
    chat.says(carol, '1');
    chat.room.tell((room) => room.leftBy(bob).joinedBy(bob));
    expect(await chat.unread(chat.bob)).toEqual([0, 0]);
  });

  test('are those of the current state, even where it takes up an earlier event', async () => {
    const chat = new Chat();
    const joined = chat.room.room.get('m.room.member', bob.id);
    const left = chat.room.tell((room) => room.leftBy(bob));
    const place = { type: 'm.room.member', state_key: bob.id };
    const back = { ...place, event_id: joined?.eventId ?? null, replaces: left.eventId };
    chat.room.send(
      { type: 'm.room.message', sender: carol, content: { body: 'merge' } },
      { current: { root: 'x', delta: [back] } },
    );
    chat.says(carol, 'again');
    expect(await chat.unread(chat.bob)).toEqual([1, 0]);
    const gone = { ...place, event_id: null, replaces: joined?.eventId ?? null };
    chat.room.send(
      { type: 'm.room.message', sender: carol, content: { body: 'merge' } },
      { current: { root: 'y', delta: [gone] } },
    );
    expect(await chat.unread(chat.bob)).toBeUndefined();
  });
});

describe('push rules', () => {
  test('of the user decide, from when they were set until they are taken back', async () => {
    const chat = new Chat();
    chat.says(carol, '1');
    chat.bob.setsData('m.push_rules', rules('room', { rule_id: chat.room.id }));
    chat.says(carol, '2');
    expect([await chat.unread(chat.bob), await chat.unread(chat.alice)]).toEqual([
      [1, 0],
      [2, 0],
    ]);
    chat.bob.setsData('m.push_rules', { rules: {}, changed: [] });
    chat.says(carol, '3');
    expect(await chat.unread(chat.bob)).toEqual([2, 0]);
  });

  test('hold in rooms that the user joins later', async () => {
    const chat = new Chat();
    chat.olga.setsData('m.push_rules', rules('content', { pattern: 'cake', actions: HIGHLIGHT }));
    chat.room.tell((room) => room.joinedBy(olga));
    chat.says(carol, 'Cakes?');
    chat.says(carol, 'Some CAKE!');
    expect(await chat.unread(chat.olga)).toEqual([2, 1]);
  });

  test('that were forgotten, or are for a room, or are of nobody here, change nothing', async () => {
    const chat = new Chat();
    const mute = rules('room', { rule_id: chat.room.id });
    chat.bob.setsData('m.push_rules', mute, chat.room.id);
    chat.alice.setsData('m.push_rules', mute);
    chat.alice.setsData('m.push_rules', undefined);
    chat.alice.setsData('m.push_rules', { something: 'else' });
    chat.bob.setsData('m.ignored_user_list', { ignored_users: 'none' });
    chat.says(carol, '1');
    expect([await chat.unread(chat.bob), await chat.unread(chat.alice)]).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  test('see the display name that the user has in the room', async () => {
    const chat = new Chat();
    const named = { conditions: [{ kind: 'contains_display_name' }], actions: HIGHLIGHT };
    chat.bob.setsData('m.push_rules', rules('override', named));
    chat.says(carol, 'Is Robert there?');
    chat.room.tell((room) => room.membership(bob, bob, 'join', { displayname: 'Robert' }));
    chat.says(carol, 'robert?');
    expect(await chat.unread(chat.bob)).toEqual([2, 1]);
    const member = chat.room.room.get('m.room.member', bob.id);
    if (member !== undefined) chat.room.redact(alice, member);
    chat.says(carol, 'Robert?');
    expect(await chat.unread(chat.bob)).toEqual([3, 1]);
  });

  test('see how many members there are, those of other servers too', async () => {
    const chat = new Chat();
    const two = { conditions: [{ kind: 'room_member_count', is: '2' }], actions: HIGHLIGHT };
    chat.bob.setsData('m.push_rules', rules('override', two));
    chat.says(carol, 'we are three');
    chat.room.tell((room) => room.leftBy(alice).invited(olga, bob));
    chat.says(carol, 'we are two');
    expect(await chat.unread(chat.bob)).toEqual([2, 1]);
  });

  test('of who ignores a user let pass nothing but state', async () => {
    const chat = new Chat();
    chat.bob.setsData('m.ignored_user_list', { ignored_users: { [carol.id]: {} } });
    chat.says(carol, 'Bob!', mentions(bob));
    expect(await chat.unread(chat.bob)).toEqual([0, 0]);
    chat.room.tell((room) => room.setState(carol, 'm.room.tombstone', { body: 'over' }));
    expect(await chat.unread(chat.bob)).toEqual([1, 1]);
  });
});

describe('a mention of the room', () => {
  const everybody = { 'm.mentions': { room: true } };
  const asked = async (chat: Chat) => {
    chat.says(carol, 'all!', everybody);
    return chat.unread(chat.bob);
  };

  test('highlights by the levels that the room has', async () => {
    const chat = new Chat();
    expect(await asked(chat)).toEqual([1, 0]);
    chat.room.tell((room) => room.powerLevels({ users: { [carol.id]: 50 } }));
    expect(await asked(chat)).toEqual([2, 1]);
    const raised = chat.room.tell((room) =>
      room.powerLevels({ users: { [carol.id]: 50 }, notifications: { room: 51 } }),
    );
    expect(await asked(chat)).toEqual([3, 1]);
    chat.room.redact(alice, raised);
    expect(await asked(chat)).toEqual([4, 2]);
  });

  test('highlights where the creator makes it', async () => {
    for (const version of ['10', '11', '12']) {
      const chat = new Chat(version);
      chat.says(alice, 'all!', everybody);
      expect(await chat.unread(chat.bob), version).toEqual([1, 1]);
      chat.room.tell((room) => room.powerLevels({ users: {} }));
      chat.says(alice, 'all!', everybody);
      expect(await chat.unread(chat.bob), version).toEqual([2, version === '12' ? 2 : 1]);
    }
  });
});
