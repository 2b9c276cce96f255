import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorise } from '../../../src/protocol/auth-rules/index.js';
import { stateKeyText } from '../../../src/protocol/events.js';
import {
  EventTable,
  resolve,
  resolveMaps,
  splitConflicted,
  type AuthGraph,
} from '../../../src/protocol/state-resolution/index.js';
import { randomHistory, type RandomHistory } from '../../support/random-history.js';
import { slowResolve } from '../../support/slow-state-resolution.js';

const sorted = (state: ReadonlyMap<string, string | undefined>) => [...state].sort();
const statesOf = ({ history, tips }: RandomHistory) => tips.map((id) => history.stateAfter(id));

/** Room versions with an algorithm or rules of their own. */
const VERSIONS = ['1', '2', '6', '10', '12'] as const;

describe.each(VERSIONS)('state resolution on random histories of room version %s', (version) => {
  it('agrees with the plain implementation of the text', () => {
    fc.assert(
      fc.property(randomHistory(version), (random) => {
        const { history } = random;
        const sets = statesOf(random);
        const fast = resolveMaps(history.version, sets, history.events.values());
        expect(sorted(fast)).toEqual(sorted(slowResolve(history.slowRoom(), sets)));
      }),
      { numRuns: 600 },
    );
  });

  it('agrees on sets that no honest history makes, with rejected events among them', () => {
    // A server that sends us the state of a room may make up any.
    const madeUp = randomHistory(version, 20).chain((random) => {
      const stateEvents = [...random.history.events.values()].filter(
        ({ stateKey }) => stateKey !== undefined,
      );
      const ids = stateEvents.map(({ eventId }) => eventId);
      return fc.record({
        random: fc.constant(random),
        picks: fc.array(fc.array(fc.constantFrom(...ids), { minLength: 1, maxLength: 12 }), {
          minLength: 2,
          maxLength: 3,
        }),
        rejected: fc.array(fc.constantFrom(...ids.slice(1)), { maxLength: version === '1' ? 0 : 2 }),
      });
    });
    fc.assert(
      fc.property(madeUp, ({ random: { history }, picks, rejected }) => {
        const create = history.ids.slice(0, 1);
        const keyOf = (id: string): string => {
          const event = history.events.get(id);
          return stateKeyText(event?.type ?? '', event?.stateKey ?? '');
        };
        const sets = picks.map((pick) => new Map([...create, ...pick].map((id) => [keyOf(id), id])));
        // What all sets agree on is in the state, where no rejected event can be.
        const agreed = new Set(splitConflicted(sets).unconflictedIds());
        const options = { rejected: new Set(rejected.filter((id) => !agreed.has(id))) };
        const fast = resolveMaps(history.version, sets, history.events.values(), options);
        expect(sorted(fast)).toEqual(sorted(slowResolve(history.slowRoom(options.rejected), sets)));
      }),
      { numRuns: 400 },
    );
  });

  it('does not depend on the order of the sets, nor on that in which events arrived', () => {
    const shuffled = randomHistory(version).chain((random) =>
      fc.record({
        random: fc.constant(random),
        sets: fc.shuffledSubarray(statesOf(random), { minLength: random.tips.length }),
        events: fc.shuffledSubarray([...random.history.events.values()], {
          minLength: random.history.events.size,
        }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ random, sets, events }) => {
        const { history } = random;
        const straight = resolveMaps(history.version, statesOf(random), history.events.values());
        expect(sorted(resolveMaps(history.version, sets, events))).toEqual(sorted(straight));
        expect(sorted(resolveMaps(history.version, [...sets, ...sets], events))).toEqual(sorted(straight));
      }),
      { numRuns: 150 },
    );
  });

  // Not with the sets that it came from: where it has lost a key, that brings other events into the auth difference.
  it('gives a state that resolves to itself, and keeps what all sets agree on', () => {
    fc.assert(
      fc.property(randomHistory(version), (random) => {
        const { history } = random;
        const sets = statesOf(random);
        const events = [...history.events.values()];
        const result = resolveMaps(history.version, sets, events);
        expect(sorted(resolveMaps(history.version, [result, result], events))).toEqual(sorted(result));
        for (const [key, id] of sets[0] ?? []) {
          if (sets.every((set) => set.get(key) === id)) expect(result.get(key)).toBe(id);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('needs no index of citing events to come to the same result', () => {
    fc.assert(
      fc.property(randomHistory(version), (random) => {
        const { history } = random;
        const table = new EventTable(history.events.values());
        const conflict = splitConflicted(statesOf(random));
        const plain: AuthGraph = { order: (id) => table.order(id), authEvents: (id) => table.authEvents(id) };
        const request = { version: history.version, conflict, events: table };
        const indexed = resolve({ ...request, graph: table });
        expect(sorted(resolve({ ...request, graph: plain }))).toEqual(sorted(indexed));
      }),
      { numRuns: 150 },
    );
  });

  it('tells how it came to its result', () => {
    fc.assert(
      fc.property(randomHistory(version), (random) => {
        const { history } = random;
        const sets = statesOf(random);
        const winners = new Map<string, string | undefined>();
        const applied: string[] = [];
        const result = resolveMaps(history.version, sets, history.events.values(), {
          trace: (step) => {
            if (step.step === 'resolved') {
              winners.set(stateKeyText(step.key.type, step.key.stateKey), step.winner);
              const won = step.candidates.filter(({ fate }) => fate === 'won').map(({ event }) => event);
              if (won.length > 0) expect(won).toEqual([step.winner]);
            } else if (step.step === 'allowed' || step.step === 'assumed') {
              applied.push(step.event);
            }
          },
        });
        for (const [key, winner] of winners) expect(result.get(key)).toBe(winner);
        for (const key of splitConflicted(sets).conflicted.keys()) {
          const values = new Set(sets.map((set) => set.get(key)).filter((id) => id !== undefined));
          if (version !== '1' || values.size > 1) expect(winners.has(key)).toBe(true);
          const winner = result.get(key);
          if (winner !== undefined && winners.has(key)) expect(applied).toContain(winner);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe.each(['2', '10', '12'])('the resolved state of room version %s', (version) => {
  it('holds no event that its rules refused', () => {
    fc.assert(
      fc.property(randomHistory(version), (random) => {
        const { history } = random;
        const refused = new Set<string>();
        const allowed = new Set<string>();
        const result = resolveMaps(history.version, statesOf(random), history.events.values(), {
          authorise: (event, roomVersion, state) => {
            const verdict = authorise(event, roomVersion, state);
            (verdict.allowed ? allowed : refused).add(event.eventId);
            return verdict;
          },
        });
        const agreed = splitConflicted(statesOf(random));
        for (const id of result.values()) {
          const event = history.events.get(id);
          const fixed = agreed.unconflicted(event?.type ?? '', event?.stateKey ?? '') === id;
          if (!fixed) expect(allowed.has(id) && !refused.has(id)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});
