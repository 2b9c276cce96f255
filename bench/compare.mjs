// Two programs measured in alternation, so that what the machine does meanwhile meets both alike.
import { Bench } from './bench.mjs';
import { measureRow } from './measure.mjs';
import { figureText, namedText } from './row.mjs';
import { mannWhitney, median, noiseBand } from './statistics.mjs';
import { openVariant } from './variants.mjs';

/** Ranks as uneven as found come about by chance less often than this: then it is no noise. */
const SIGNIFICANT = 0.05;

/**
 * Measures the rows `rounds` times with each of two variants, in the order A B B A A B ..., and prints how they differ.
 *
 * @returns what is for JSON: per row and figure the values of both, in the order measured
 */
export async function compare(names, rows, { root, rounds, seconds, scale, profiles }) {
  const variants = [];
  const benches = [];
  const values = new Map();
  try {
    for (const name of names) {
      const variant = openVariant(name, root);
      variants.push(variant);
      benches.push(new Bench({ ...variant, seconds, scale, profiles }));
    }
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      for (const row of rows) {
        for (const which of order) {
          const { figures, missing } = await measureRow(row, benches[which]);
          if (missing !== undefined) continue;
          for (const [figure, value] of Object.entries(figures)) take(values, row, figure, which, value);
        }
      }
      console.error(`Round ${round + 1} of ${rounds} is done.`);
    }
  } finally {
    for (const bench of benches) bench.close();
    for (const variant of variants) variant.remove();
  }
  return report(names, rows, values, rounds);
}

function take(values, row, figure, which, value) {
  if (value === undefined) return;
  const key = `${row.name}\n${figure}`;
  const pair = values.get(key) ?? [[], []];
  pair[which].push(value);
  values.set(key, pair);
}

function report([a, b], rows, values, rounds) {
  console.log(`A is ${a}, B is ${b}; medians of ${rounds} rounds in alternation.`);
  console.log(
    `Noise is what the Mann-Whitney test (two-sided, exact) finds in more than ${SIGNIFICANT * 100} of 100 cases by chance; ` +
      `the band is how far medians lie apart by chance (95 of 100 permutations within the groups).\n`,
  );
  console.log('| measure | A | B | B against A | noise band | |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  const results = [];
  for (const row of rows) {
    for (const [name, figure] of Object.entries(row.figures)) {
      const pair = values.get(`${row.name}\n${name}`);
      if (pair === undefined || pair.some((group) => group.length === 0)) continue;
      const result = { row: row.name, figure: name, a: pair[0], b: pair[1], ...comparison(figure, ...pair) };
      results.push(result);
      const texts = [result.medianA, result.medianB].map((value) =>
        namedText(name, figureText(figure, value)),
      );
      const band = result.band === undefined ? '' : `±${percent(result.band)}`;
      console.log(
        `| ${row.name} | ${texts.join(' | ')} | ${signed(result.change)} | ${band} | ${result.verdict} (p = ${result.p.toFixed(3)}) |`,
      );
    }
  }
  return { a, b, rounds, results };
}

/** How two groups of values differ, as shares of the first one's median. */
export function comparison({ better }, a, b) {
  const [medianA, medianB] = [median(a), median(b)];
  const p = mannWhitney(a, b);
  const share = (value) => (medianA === 0 ? undefined : value / medianA);
  const isBetter = better === 'higher' ? medianB > medianA : medianB < medianA;
  const verdict = p >= SIGNIFICANT ? 'noise' : isBetter ? 'better' : 'worse';
  return { medianA, medianB, change: share(medianB - medianA), band: share(noiseBand(a, b)), p, verdict };
}

const percent = (share) => `${(share * 100).toFixed(1)} %`;
const signed = (share) => (share === undefined ? '' : `${share >= 0 ? '+' : ''}${percent(share)}`);
