import { describe, expect, it } from 'vitest';
import { stateKeyText } from '../../../src/protocol/events.js';
import {
  MissingEventsError,
  resolveMaps,
  type TraceStep,
} from '../../../src/protocol/state-resolution/index.js';
import { ALICE, BOB, CAROL, DAVE, RoomStory } from '../../support/room-story.js';

const MEMBER = 'm.room.member';
const LEVELS = 'm.room.power_levels';
const TOPIC = 'm.room.topic';

describe.each(['2', '11', '12'])('in room version %s', (version) => {
  it('a ban stands against what the banned one does at the same time', () => {
    const story = new RoomStory(version);
    const ban = story.member(story.start, ALICE, BOB, 'ban');
    const levels = story.levels(story.start, BOB, { [BOB]: 50, [CAROL]: 50 });
    const state = story.merge([ban, levels]);
    expect(state(MEMBER, BOB)).toBe(ban.eventId);
    expect(state(LEVELS)).toBe(story.stateAfter(ban).get(stateKeyText(LEVELS, '')));
  });

  it('a topic of somebody who is banned at the same time gives way to the one before it', () => {
    const story = new RoomStory(version);
    const before = story.topic(story.start, ALICE, 'before');
    const ban = story.member(before, ALICE, BOB, 'ban');
    const topic = story.topic(before, BOB, 'mine');
    const state = story.merge([topic, ban]);
    expect(state(MEMBER, BOB)).toBe(ban.eventId);
    expect(state(TOPIC)).toBe(before.eventId);
  });

  it('a topic of somebody who loses the power for it at the same time is not kept', () => {
    const story = new RoomStory(version);
    const demotion = story.levels(story.start, ALICE, { [BOB]: 0 });
    const topic = story.topic(story.start, BOB, 'mine');
    const state = story.merge([topic, demotion]);
    expect(state(LEVELS)).toBe(demotion.eventId);
    expect(state(TOPIC)).toBeUndefined();
  });

  it('a join gives way to join rules that close the room at the same time', () => {
    const story = new RoomStory(version);
    const closed = story.tell([story.start], ALICE, 'm.room.join_rules', '', { join_rule: 'invite' });
    const join = story.member(story.start, DAVE, DAVE, 'join');
    const state = story.merge([join, closed]);
    expect(state('m.room.join_rules')).toBe(closed.eventId);
    expect(state(MEMBER, DAVE)).toBeUndefined();
  });

  it('people who join at the same time are all in', () => {
    const story = new RoomStory(version);
    const dave = story.member(story.start, DAVE, DAVE, 'join');
    const eve = story.member(story.start, '@eve:five', '@eve:five', 'join');
    const state = story.merge([dave, eve]);
    expect([state(MEMBER, DAVE), state(MEMBER, '@eve:five')]).toEqual([dave.eventId, eve.eventId]);
  });

  it('power levels of the more powerful come first, and those of the less powerful upon them if they may', () => {
    const story = new RoomStory(version);
    const admin = story.levels(story.start, ALICE, { [BOB]: 50, [CAROL]: 25 }, 900);
    const kept = story.levels(story.start, BOB, { [BOB]: 50, [CAROL]: 25, [DAVE]: 50 }, 100);
    expect(story.merge([admin, kept])(LEVELS)).toBe(kept.eventId);

    const demotion = story.levels(story.start, ALICE, { [BOB]: 0 }, 900);
    const tooLate = story.levels(story.start, BOB, { [BOB]: 50, [DAVE]: 50 }, 100);
    expect(story.merge([demotion, tooLate])(LEVELS)).toBe(demotion.eventId);
  });

  it('an event under later power levels wins over one under earlier ones, whatever their clocks say', () => {
    const story = new RoomStory(version);
    const levels = story.levels(story.start, ALICE, { [BOB]: 50, [CAROL]: 50 });
    const late = story.topic(levels, CAROL, 'under the new levels', 1);
    const early = story.topic(story.start, BOB, 'under the old levels', 1_000);
    expect(story.merge([early, late])(TOPIC)).toBe(late.eventId);
  });

  it('of two names under the same power levels the later one wins', () => {
    // The example of the Server-Server API, Room State Resolution: E3 and E4 both name the room.
    const story = new RoomStory(version);
    const e1 = story.topic(story.start, ALICE, 'E1');
    const e2 = story.topic(e1, ALICE, 'E2');
    const e3 = story.tell([e2], ALICE, 'm.room.name', '', { name: 'E3' }, 500);
    const e4 = story.tell([e1], BOB, 'm.room.name', '', { name: 'E4' }, 600);
    expect(story.merge([e3, e4])('m.room.name')).toBe(e4.eventId);
    expect(story.merge([e4, e3])('m.room.name')).toBe(e4.eventId);
  });

  it('says what was in conflict, what was refused by which rule, and what won', () => {
    const story = new RoomStory(version);
    const steps: TraceStep[] = [];
    const ban = story.member(story.start, ALICE, BOB, 'ban');
    const topic = story.topic(story.start, BOB, 'mine');
    const bobsJoin = story.stateAfter(topic).get(stateKeyText(MEMBER, BOB));
    story.merge([ban, topic], (step) => steps.push(step));

    expect(steps[0]).toMatchObject({ step: 'conflicted' });
    expect(steps).toContainEqual(
      expect.objectContaining({ step: 'ordered', phase: 'power', events: [bobsJoin, ban.eventId] }),
    );
    const refusal = steps.find((step) => step.step === 'refused');
    expect(refusal).toMatchObject({ phase: 'mainline', event: topic.eventId });
    const outcomes = steps.filter((step) => step.step === 'resolved');
    expect(outcomes).toContainEqual({
      step: 'resolved',
      key: { type: MEMBER, stateKey: BOB },
      winner: ban.eventId,
      candidates: expect.arrayContaining([
        { event: ban.eventId, fate: 'won' },
        { event: bobsJoin, fate: 'replaced', by: ban.eventId },
      ]) as unknown,
    });
    expect(outcomes).toContainEqual(
      expect.objectContaining({ key: { type: TOPIC, stateKey: '' }, winner: undefined }),
    );
  });

  it('an event that was rejected on receipt is no candidate', () => {
    const story = new RoomStory(version);
    const topic = story.topic(story.start, ALICE, 'rejected');
    const sets = [story.stateAfter(topic), story.stateAfter(story.start)];
    const events = [...story.history.events.values()];
    const key = stateKeyText(TOPIC, '');
    expect(resolveMaps(story.history.version, sets, events).get(key)).toBe(topic.eventId);
    const rejected = new Set([topic.eventId]);
    expect(resolveMaps(story.history.version, sets, events, { rejected }).has(key)).toBe(false);
  });

  it('an event that is missing is named, not passed over', () => {
    const story = new RoomStory(version);
    const levels = story.levels(story.start, ALICE, { [BOB]: 50, [CAROL]: 50 });
    const topic = story.topic(levels, CAROL, 'one');
    const other = story.topic(story.start, ALICE, 'two');
    const sets = [story.stateAfter(topic), story.stateAfter(other)];
    const events = [...story.history.events.values()];
    const without = (id: string) => events.filter(({ eventId }) => eventId !== id);
    const missing = (id: string): readonly string[] => {
      try {
        resolveMaps(story.history.version, sets, without(id));
      } catch (error) {
        if (error instanceof MissingEventsError) return error.eventIds;
      }
      return [];
    };
    expect(missing(topic.eventId)).toEqual([topic.eventId]);
    expect(missing(levels.eventId)).toEqual([levels.eventId]);
  });
});

describe('a membership whose grounds have gone since', () => {
  /** Carol, then a moderator, removed Dave; now the room is closed and Carol has no power any more. */
  const resolved = (version: string) => {
    const story = new RoomStory(version);
    const promoted = story.levels(story.start, ALICE, { [BOB]: 50, [CAROL]: 50 });
    const join = story.member(promoted, DAVE, DAVE, 'join');
    const kick = story.member(join, CAROL, DAVE, 'leave');
    const demoted = story.levels(kick, ALICE, { [BOB]: 50 });
    const closed = story.tell([demoted], ALICE, 'm.room.join_rules', '', { join_rule: 'invite' });
    const now = story.stateAfter(closed);
    const stale = new Map([...now, [stateKeyText(MEMBER, DAVE), join.eventId]]);
    return { member: story.resolve([now, stale])(MEMBER, DAVE), kick: kick.eventId };
  };

  it('is lost in version 2, which judges old events by what is agreed on now', () => {
    expect(resolved('11').member).toBeUndefined();
  });

  it('is kept in version 2.1, which begins with an empty state', () => {
    const { member, kick } = resolved('12');
    expect(member).toBe(kick);
  });
});

describe('in room version 1', () => {
  it('what only one of the states has is not in conflict, and stays', () => {
    // The example of the Server-Server API, Soft failure: "In the original version of the algorithm C would be in
    // the resolved state".
    const story = new RoomStory('1');
    const ban = story.member(story.start, ALICE, BOB, 'ban');
    const topic = story.topic(story.start, BOB, 'C');
    const state = story.merge([ban, topic]);
    expect(state(MEMBER, BOB)).toBe(ban.eventId);
    expect(state(TOPIC)).toBe(topic.eventId);
  });

  it('power levels, then memberships are decided from the least depth on, up to the first that is refused', () => {
    const story = new RoomStory('1');
    const demotion = story.levels(story.start, ALICE, { [BOB]: 0 });
    const aside = story.topic(story.start, ALICE, 'aside');
    const levels = story.levels(aside, BOB, { [BOB]: 50, [DAVE]: 50 });
    const after = story.levels(levels, ALICE, { [BOB]: 50, [DAVE]: 50, [CAROL]: 1 });
    const state = story.merge([demotion, levels, after]);
    expect(state(LEVELS)).toBe(demotion.eventId);
  });

  it('anything else is the deepest that is allowed', () => {
    const story = new RoomStory('1');
    const before = story.topic(story.start, ALICE, 'before');
    const higher = story.topic(before, ALICE, 'deep');
    const deepest = story.topic(higher, BOB, 'deepest');
    expect(story.merge([before, higher, deepest])(TOPIC)).toBe(deepest.eventId);
    const demotion = story.levels(before, ALICE, { [BOB]: 0 });
    const further = story.topic(demotion, ALICE, 'further');
    const state = story.merge([deepest, further]);
    expect(state(LEVELS)).toBe(demotion.eventId);
    expect(state(TOPIC)).toBe(further.eventId);
  });

  it('if none is allowed, the oldest stays', () => {
    const story = new RoomStory('1');
    const first = story.topic(story.start, BOB, 'first');
    const second = story.topic(first, BOB, 'second');
    const gone = story.member(story.start, ALICE, BOB, 'ban');
    const key = stateKeyText(TOPIC, '');
    const sets = [first, second].map(({ eventId }) => new Map([...story.stateAfter(gone), [key, eventId]]));
    const steps: TraceStep[] = [];
    expect(story.resolve(sets, (step) => steps.push(step))(TOPIC)).toBe(first.eventId);
    expect(steps.filter(({ step }) => step === 'refused')).toHaveLength(2);
    expect(steps).toContainEqual({ step: 'assumed', phase: 'others', event: first.eventId });
  });

  it('a rejected event is no candidate', () => {
    const story = new RoomStory('1');
    const one = story.topic(story.start, ALICE, 'one');
    const two = story.topic(one, ALICE, 'two');
    const events = [...story.history.events.values()];
    const sets = [story.stateAfter(one), story.stateAfter(two)];
    const options = { rejected: new Set([two.eventId]) };
    const state = resolveMaps(story.history.version, sets, events, options);
    expect(state.get(stateKeyText(TOPIC, ''))).toBe(one.eventId);
  });

  it('names all conflicting events that are missing at once', () => {
    const story = new RoomStory('1');
    const one = story.topic(story.start, ALICE, 'one');
    const two = story.topic(one, ALICE, 'two');
    const lost = [one.eventId, two.eventId].sort();
    const events = [...story.history.events.values()].filter(({ eventId }) => !lost.includes(eventId));
    const sets = [story.stateAfter(one), story.stateAfter(two)];
    expect(() => resolveMaps(story.history.version, sets, events)).toThrow(new MissingEventsError(lost));
  });
});
