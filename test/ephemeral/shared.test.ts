import { beforeEach, describe, expect, it } from 'vitest';
import { EphemeralCounter } from '../../src/ephemeral/counter.js';
import { PresenceBoard, type PresenceChange } from '../../src/ephemeral/presence.js';
import { Typing, type TypingChange } from '../../src/ephemeral/typing.js';
import { ManualClock } from '../support/manual-clock.js';

const ROOM = '!r:one.example';
const ALICE = '@alice:one.example';

/** Processes that tell each other: a change is numbered once, and reaches all of them when `deliver` is called. */
class Processes {
  readonly clock = new ManualClock();
  readonly told: (TypingChange | PresenceChange)[] = [];
  readonly all = [this.#process(), this.#process()] as const;
  #number = 100;

  #process() {
    const counter = new EphemeralCounter(100);
    const tell = (change: TypingChange | PresenceChange): void => {
      this.told.push(change);
    };
    return {
      counter,
      typing: new Typing(this.clock, counter, tell),
      presence: new PresenceBoard(this.clock, counter, tell),
    };
  }

  deliver(): void {
    for (let change = this.told.shift(); change !== undefined; change = this.told.shift()) {
      const number = (this.#number += 10);
      for (const { typing, presence } of this.all) {
        if ('typing' in change) typing.apply(change, number);
        else presence.apply(change, number);
      }
    }
  }
}

describe('processes that tell each other of typing and presence', () => {
  let processes: Processes;
  beforeEach(() => {
    processes = new Processes();
  });

  it('know who types, by the same number', () => {
    const [a, b] = processes.all;
    a.typing.start(ROOM, ALICE, 5000);
    expect(b.typing.changedSince(ROOM, 100)).toBeUndefined();
    processes.deliver();
    for (const { typing, counter } of [a, b]) {
      expect(typing.changedSince(ROOM, 100)).toEqual([ALICE]);
      expect(typing.changedSince(ROOM, 110)).toBeUndefined();
      expect(counter.value).toBe(110);
    }
    // Still typing is no news.
    a.typing.start(ROOM, ALICE, 5000);
    expect(processes.told).toEqual([]);
    processes.clock.advance(5000);
    processes.deliver();
    for (const { typing } of [a, b]) expect(typing.changedSince(ROOM, 110)).toEqual([]);
  });

  it('let somebody stop in another process than the one where they began', () => {
    const [a, b] = processes.all;
    a.typing.start(ROOM, ALICE, 5000);
    processes.deliver();
    b.typing.stop(ROOM, ALICE);
    processes.deliver();
    for (const { typing } of [a, b]) expect(typing.changedSince(ROOM, 110)).toEqual([]);
  });

  it('forget who types where the process that knew is gone', () => {
    const [, b] = processes.all;
    b.typing.apply({ roomId: ROOM, userId: ALICE, typing: true }, 110);
    processes.clock.advance(131_000);
    expect(b.typing.changedSince(ROOM, 110)).toEqual([]);
  });

  it('know who is there', () => {
    const [a, b] = processes.all;
    a.presence.synced(ALICE, 'online');
    processes.deliver();
    expect(b.presence.of(ALICE)).toMatchObject({ state: 'online', currentlyActive: true });
    expect([a, b].map(({ presence }) => presence.changedUsers(100))).toEqual([[ALICE], [ALICE]]);
    a.presence.synced(ALICE, 'online');
    expect(processes.told).toEqual([]);
    processes.clock.advance(30_000);
    processes.deliver();
    expect([a, b].map(({ presence }) => presence.of(ALICE).state)).toEqual(['offline', 'offline']);
  });

  it('hold somebody to be there who has moved to another process', () => {
    const [a, b] = processes.all;
    a.presence.synced(ALICE, 'online');
    processes.deliver();
    processes.clock.advance(20_000);
    b.presence.synced(ALICE, 'online');
    processes.clock.advance(10_000);
    processes.deliver();
    expect([a, b].map(({ presence }) => presence.of(ALICE).state)).toEqual(['online', 'online']);
    processes.clock.advance(20_000);
    processes.deliver();
    expect([a, b].map(({ presence }) => presence.of(ALICE).state)).toEqual(['offline', 'offline']);
  });

  it('take somebody at their word who says that they are gone', () => {
    const [a, b] = processes.all;
    a.presence.synced(ALICE, 'online');
    processes.deliver();
    a.presence.set(ALICE, 'offline', 'Lunch');
    processes.deliver();
    expect([a, b].map(({ presence }) => presence.of(ALICE))).toMatchObject([
      { state: 'offline', statusMessage: 'Lunch' },
      { state: 'offline', statusMessage: 'Lunch' },
    ]);
  });
});
