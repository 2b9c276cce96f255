import { describe, expect, it } from 'vitest';
import { conflictedSubgraph } from '../../../src/protocol/state-resolution/conflicted-subgraph.js';
import { MissingEventsError } from '../../../src/protocol/state-resolution/index.js';
import { chain, DrawnGraph } from '../../support/auth-graph.js';

describe('the conflicted state subgraph', () => {
  //  create <- old <- p <- q <- new       (old and new in conflict)
  //               \- aside  (cites old, leads from no conflicted event)
  const graph = new DrawnGraph([
    ['create', []],
    ['old', ['create']],
    ['p', ['old', 'create']],
    ['aside', ['old', 'create']],
    ['beside', ['create']],
    ['q', ['p', 'beside', 'create']],
    ['new', ['q', 'create']],
  ]);

  it('holds all on a path between two conflicted events, and nothing beside', () => {
    expect(conflictedSubgraph(new Set(['old', 'new']), graph)).toEqual(new Set(['old', 'p', 'q', 'new']));
  });

  it('holds the conflicted events alone if no path joins them', () => {
    expect(conflictedSubgraph(new Set(['aside', 'new']), graph)).toEqual(new Set(['aside', 'new']));
    expect(conflictedSubgraph(new Set(), graph)).toEqual(new Set());
  });

  it('does not look beyond the oldest conflicted event', () => {
    const long = new DrawnGraph(chain(100_000));
    expect(conflictedSubgraph(new Set(['e99990', 'e99994']), long).size).toBe(5);
    expect(long.visited.size).toBeLessThan(10);
  });

  it('does not pass over an event that is missing', () => {
    const broken = new DrawnGraph([
      ['old', []],
      ['new', ['lost', 'old']],
    ]);
    expect(() => conflictedSubgraph(new Set(['old', 'new']), broken)).toThrow(MissingEventsError);
  });
});
