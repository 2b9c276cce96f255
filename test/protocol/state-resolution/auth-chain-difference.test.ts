import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authChainDifference } from '../../../src/protocol/state-resolution/auth-chain-difference.js';
import { MissingEventsError } from '../../../src/protocol/state-resolution/index.js';
import { chain, DrawnGraph } from '../../support/auth-graph.js';

describe('the auth chain difference', () => {
  it('is what only some of the chains contain', () => {
    //   create <- a <- b <- left
    //              \- c <- right
    const graph = new DrawnGraph([
      ['create', []],
      ['a', ['create']],
      ['b', ['a', 'create']],
      ['c', ['a', 'create']],
      ['left', ['b', 'create']],
      ['right', ['c', 'create']],
    ]);
    expect(authChainDifference([['left'], ['right']], graph)).toEqual(new Set(['b', 'c']));
    expect(authChainDifference([['left'], ['b']], graph)).toEqual(new Set(['b']));
    expect(
      authChainDifference(
        [
          ['left', 'right'],
          ['right', 'left'],
        ],
        graph,
      ),
    ).toEqual(new Set());
    expect(authChainDifference([['left'], []], graph)).toEqual(new Set(['b', 'a', 'create']));
  });

  it('leaves out what a common event descends from, and not a common event that nothing common cites', () => {
    const graph = new DrawnGraph([
      ['create', []],
      ['a', ['create']],
      ['b', ['a', 'create']],
      ['common', ['a', 'create']],
      ['left', ['b', 'common', 'create']],
    ]);
    const common = { has: (id: string) => id === 'common', ids: () => ['common'] };
    expect(authChainDifference([['left'], []], graph, common)).toEqual(new Set(['b', 'common']));
  });

  it('looks at few events when the tips are near, however long the chain', () => {
    const graph = new DrawnGraph(chain(100_000));
    const difference = authChainDifference([['e99999'], ['e99990'], ['e99995']], graph);
    expect([...difference].sort()).toEqual(Array.from({ length: 9 }, (_, index) => `e${99_990 + index}`));
    expect(graph.visited.size).toBeLessThan(15);
  });

  it('looks at few events when two long branches share all but their ends', () => {
    // Every event cites the ones 1, 2 and 5 before it, as power levels and members do.
    const mesh = chain(100_000).map(([id], index): [string, string[]] => [
      id,
      [1, 2, 5].filter((back) => back <= index).map((back) => `e${index - back}`),
    ]);
    const branches: [string, string[]][] = [
      ['left', ['e99999', 'e99990']],
      ['right', ['e99998', 'e99980']],
    ];
    const graph = new DrawnGraph([...mesh, ...branches]);
    const difference = authChainDifference([['left'], ['right']], graph);
    expect(difference).toEqual(new Set(['e99999']));
    expect(graph.visited.size).toBeLessThan(30);
  });

  it.each([1, 2, 31, 32, 33, 64, 65, 100])('takes %i sets', (count) => {
    // Set i has a tip of its own upon a private event; all share the root.
    const events: [string, string[]][] = [['root', []]];
    for (let set = 0; set < count; set++) events.push([`own${set}`, ['root']], [`tip${set}`, [`own${set}`]]);
    const graph = new DrawnGraph(events);
    const tips = Array.from({ length: count }, (_, set) => [`tip${set}`]);
    const own = Array.from({ length: count }, (_, set) => `own${set}`);
    expect(authChainDifference(tips, graph)).toEqual(new Set(count === 1 ? [] : own));
  });

  it('names all missing events at once', () => {
    const graph = new DrawnGraph([
      ['left', ['lost']],
      ['right', ['gone']],
    ]);
    expect(() => authChainDifference([['left'], ['right'], ['nowhere']], graph)).toThrow(MissingEventsError);
    try {
      authChainDifference([['left'], ['right'], ['nowhere']], graph);
    } catch (error) {
      expect(error instanceof MissingEventsError && error.eventIds).toEqual(['gone', 'lost', 'nowhere']);
    }
  });

  it('is the union of the chains without their intersection, in any graph', () => {
    const graphs = fc.array(fc.uniqueArray(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 30 });
    const tips = fc.array(fc.array(fc.nat(29), { maxLength: 4 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(graphs, tips, (cited, picks) => {
        const events = cited.map((backs, index): [string, string[]] => [
          `e${index}`,
          backs.filter((back) => back < index).map((back) => `e${back}`),
        ]);
        const byId = new Map(events);
        const sets = picks.map((pick) => pick.filter((tip) => tip < events.length).map((tip) => `e${tip}`));
        const chainOf = (ids: readonly string[]): Set<string> =>
          new Set(ids.flatMap((id) => byId.get(id) ?? []).flatMap((id) => [id, ...chainOf([id])]));
        const chains = sets.map(chainOf);
        const expected = events
          .map(([id]) => id)
          .filter((id) => {
            const among = chains.filter((ids) => ids.has(id)).length;
            return among > 0 && among < chains.length;
          });
        expect([...authChainDifference(sets, new DrawnGraph(events))].sort()).toEqual(expected.sort());
      }),
      { numRuns: 200 },
    );
  });
});
