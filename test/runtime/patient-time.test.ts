import { beforeEach, describe, expect, test } from 'vitest';
import { PatientTime } from '../../src/runtime/patient-time.js';
import { ManualClock } from '../support/manual-clock.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let clock: ManualClock;
let time: PatientTime;

beforeEach(() => {
  clock = new ManualClock();
  time = new PatientTime(clock);
});

/** Looks at the time every ten minutes. */
function passes(milliseconds: number): void {
  for (let passed = 0; passed < milliseconds; passed += 600_000) {
    clock.advance(Math.min(600_000, milliseconds - passed));
    time.now();
  }
}

describe('patient time', () => {
  test('is the time, as long as that goes on as it should', () => {
    passes(3 * DAY);
    expect(time.now()).toBe(clock.now());
    clock.jump(30_000);
    expect(time.now()).toBe(clock.now());
  });

  test('does not believe a clock that jumps ahead, until it has stayed so for an hour', () => {
    const before = clock.now();
    clock.jump(30 * DAY);
    expect(time.now()).toBe(before);
    passes(HOUR / 2);
    expect(time.now()).toBe(before + HOUR / 2);
    clock.jump(-30 * DAY);
    expect(time.now()).toBe(clock.now());
    clock.jump(30 * DAY);
    passes(HOUR / 2);
    expect(time.now()).toBe(before + HOUR);
    passes(HOUR / 2 + 600_000);
    expect(time.now()).toBe(clock.now());
  });

  test('goes back with the clock at once, and then on with it', () => {
    clock.jump(-30 * DAY);
    expect(time.now()).toBe(clock.now());
    passes(DAY);
    expect(time.now()).toBe(clock.now());
  });

  test('takes a long time without a look for what it was', () => {
    clock.advance(30 * DAY);
    expect(time.now()).toBe(clock.now());
  });
});
