export function percentile(sorted: readonly number[], share: number): number;
export function median(values: readonly number[]): number;
export function mannWhitney(a: readonly number[], b: readonly number[]): number;
export function noiseBand(a: readonly number[], b: readonly number[]): number;
export function pseudoRandom(seed: number): () => number;
export function latencies(values: readonly number[]): Record<string, number>;
