// What is said of several measurements.

/** The value below which this share of sorted values lies: the nearest rank. */
export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** @param values in any order, at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The two-sided Mann-Whitney test: how probable ranks at least this uneven are where both groups are of one kind.
 * Exact, over all ways to divide the ranks that are there, ties included; so for groups of a few to some dozens.
 *
 * @returns a probability
 */
export function mannWhitney(a, b) {
  const all = [...a, ...b];
  const ranks = doubledRanks(all);
  const observed = ranks.slice(0, a.length).reduce((sum, rank) => sum + rank, 0);
  const expected = (ranks.reduce((sum, rank) => sum + rank, 0) * a.length) / all.length;
  // ways[k]: sums of k ranks, and in how many ways each comes about.
  const ways = Array.from({ length: a.length + 1 }, () => new Map());
  ways[0].set(0, 1);
  for (const rank of ranks) {
    for (let count = a.length; count > 0; count--) {
      for (const [sum, number] of ways[count - 1]) {
        ways[count].set(sum + rank, (ways[count].get(sum + rank) ?? 0) + number);
      }
    }
  }
  let total = 0;
  let asFar = 0;
  for (const [sum, number] of ways[a.length]) {
    total += number;
    if (Math.abs(sum - expected) >= Math.abs(observed - expected) - 1e-9) asFar += number;
  }
  return asFar / total;
}

/** Twice the rank of each value, so that ranks shared by ties are whole numbers. */
function doubledRanks(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return values.map((value) => sorted.indexOf(value) + sorted.lastIndexOf(value) + 2);
}

const RESAMPLES = 4000;

/**
 * How far apart the medians of two groups of these sizes come to lie by chance alone: in 95 of 100 random divisions of
 * what each value differs from its own group's median, not farther than this.
 */
export function noiseBand(a, b) {
  const rest = [a, b].flatMap((group) => group.map((value) => value - median(group)));
  const next = pseudoRandom(1);
  const distances = Array.from({ length: RESAMPLES }, () => {
    for (let last = rest.length - 1; last > 0; last--) {
      const other = Math.floor(next() * (last + 1));
      [rest[last], rest[other]] = [rest[other], rest[last]];
    }
    return Math.abs(median(rest.slice(0, a.length)) - median(rest.slice(a.length)));
  });
  return percentile(
    distances.sort((x, y) => x - y),
    0.95,
  );
}

/** Numbers from 0 to 1, the same for the same seed (xorshift). */
export function pseudoRandom(seed) {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Latencies in milliseconds as a row reports them. */
export function latencies(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { 'p50 (ms)': percentile(sorted, 0.5), 'p99 (ms)': percentile(sorted, 0.99) };
}
