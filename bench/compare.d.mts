export interface Comparison {
  readonly medianA: number;
  readonly medianB: number;
  readonly change: number | undefined;
  readonly band: number | undefined;
  readonly p: number;
  readonly verdict: 'noise' | 'better' | 'worse';
}

export function comparison(
  figure: { readonly better: 'higher' | 'lower' },
  a: readonly number[],
  b: readonly number[],
): Comparison;
