import { describe, expect, it } from 'vitest';
import { stateKeyText, type RoomEvent } from '../../../src/protocol/events.js';
import { EventTable, resolve, splitConflicted } from '../../../src/protocol/state-resolution/index.js';
import { ALICE, BOB, RoomStory } from '../../support/room-story.js';

/**
 * Two states of a room of `members` people that disagree on ten keys (five topics of sorts, five people who left on
 * one side), and how often the resolution of them looked anything up.
 */
function lookUps(version: string, members: number) {
  const story = new RoomStory(version);
  const { history } = story;
  const base = new Map(story.stateAfter(story.start));
  const keys = [
    ['m.room.create', ''],
    ['m.room.power_levels', ''],
    ['m.room.join_rules', ''],
  ] as const;
  const grounds = keys
    .slice(history.version.auth.createInAuthEvents ? 0 : 1)
    .flatMap(([type, stateKey]) => base.get(stateKeyText(type, stateKey)) ?? []);
  const everybody: RoomEvent[] = [];
  for (let index = 0; index < members; index++) {
    const sender = `@user${index}:many`;
    const attempt = {
      sender,
      type: 'm.room.member',
      stateKey: sender,
      content: { membership: 'join' },
      ts: index,
    };
    const join = history.make([story.start.eventId], grounds, attempt);
    everybody.push(join);
    base.set(stateKeyText('m.room.member', sender), join.eventId);
  }
  const left = new Map(base);
  const right = new Map(base);
  const own: RoomEvent[] = [];
  const levelsAndMember = (user: string) => [
    ...grounds.slice(0, -1),
    base.get(stateKeyText('m.room.member', user)) ?? '',
  ];
  const change = (
    set: Map<string, string>,
    sender: string,
    type: string,
    stateKey: string,
    content: object,
  ) => {
    const attempt = { sender, type, stateKey, content: { ...content }, ts: 1_000_000 };
    const event = history.make([story.start.eventId], levelsAndMember(sender), attempt);
    own.push(event);
    set.set(stateKeyText(type, stateKey), event.eventId);
  };
  for (let index = 0; index < 5; index++) {
    change(left, ALICE, 'note', `${index}`, { by: 'alice' });
    change(right, BOB, 'note', `${index}`, { by: 'bob' });
    change(right, `@user${index}:many`, 'm.room.member', `@user${index}:many`, { membership: 'leave' });
  }

  const table = new EventTable([...history.events.values(), ...everybody, ...own]);
  const split = splitConflicted([left, right]);
  let count = 0;
  const counted = <A extends unknown[], R>(look: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      count++;
      return look(...args);
    };
  };
  const resolution = resolve({
    version: history.version,
    conflict: {
      setCount: 2,
      conflicted: split.conflicted,
      unconflicted: counted((type: string, stateKey: string) => split.unconflicted(type, stateKey)),
      unconflictedIds: counted(() => split.unconflictedIds()),
    },
    events: { event: counted((id: string) => table.event(id)), rejected: (id) => table.rejected(id) },
    graph: {
      order: counted((id: string) => table.order(id)),
      authEvents: counted((id: string) => table.authEvents(id)),
      *citedBy(id: string) {
        for (const citing of table.citedBy(id)) {
          count++;
          yield citing;
        }
      },
    },
  });
  return { conflicts: split.conflicted.size, resolved: resolution.size, count };
}

describe.each(['1', '2', '11', '12'])('the cost of a resolution in room version %s', (version) => {
  it('is that of its ten conflicts, be the room small or of 10,000 members', () => {
    const small = lookUps(version, 10);
    const large = lookUps(version, 10_000);
    expect(small.conflicts).toBe(10);
    expect(large).toEqual(small);
    expect(large.count).toBeLessThan(600);
  });
});
