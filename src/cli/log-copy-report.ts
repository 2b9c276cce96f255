import type { Comparison } from '../log/copy/comparison.js';
import type { CopyCounts } from '../log/copy/writer.js';
import type { NamedLog } from './log-place.js';
import { printable } from './table.js';

/** What a copy came to. Durations in milliseconds. */
export interface Copied {
  readonly from: NamedLog;
  readonly to: NamedLog;
  readonly counts: CopyCounts;
  readonly comparison: Comparison;
  readonly copiedMs: number;
  readonly comparedMs: number;
}

/** What a person is told at the end, a sentence for all that is worth knowing. */
export function report(copied: Copied): string {
  const { counts, comparison, copiedMs, comparedMs } = copied;
  const { records, bytes, streams, differing } = comparison;
  const lines = [
    `Copied ${plural(counts.records, 'record')} (${size(counts.bytes)}) in ${seconds(copiedMs)}.`,
    `Compared ${plural(records, 'record')} (${size(bytes)}) of ${plural(streams, 'stream')} in ${seconds(comparedMs)}: ` +
      (differing === 0
        ? 'all checksums agree.'
        : `${plural(differing, 'record')} beside them ${differing === 1 ? 'is' : 'are'} not the same.`),
    ...differences(comparison),
    ...oddities(counts, comparison),
    whereKeysAre(copied),
  ];
  return `${lines.join('\n')}\n`;
}

function differences({ differences: listed, differing }: Comparison): string[] {
  const lines = listed.map(
    ({ stream, revision, reason }) => `  ${printable(`${stream} at ${revision}: ${reason}`)}`,
  );
  return differing > listed.length ? [...lines, `  and ${plural(differing - listed.length, 'more')}`] : lines;
}

function oddities({ placeholders, disordered }: CopyCounts, { damaged }: Comparison): string[] {
  const lines: string[] = [];
  if (placeholders > 0) {
    const held =
      placeholders === 1 ? 'a placeholder holds its revision' : 'placeholders hold their revisions';
    lines.push(
      `${plural(placeholders, 'record')} ${are(placeholders)} gone by retention or cannot be read: ${held}.`,
    );
  }
  if (damaged > 0) lines.push(`${plural(damaged, 'record')} ${are(damaged)} damaged in the source.`);
  if (disordered > 0) {
    lines.push(
      `${plural(disordered, 'record')} came before others of other streams, since the target was away meanwhile; each stream is in order.`,
    );
  }
  return lines;
}

function whereKeysAre({ from, to }: Copied): string {
  if (to.keys !== undefined) return `With its keys, ${to.name} is a whole data folder.`;
  return `Its content is sealed with the keys in ${from.keys ?? 'its data folder'}: whoever serves the copy needs them.`;
}

function are(count: number): string {
  return count === 1 ? 'is' : 'are';
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 || noun === 'more' ? '' : 's'}`;
}

/** `812 MB`, in powers of ten. */
function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value).toString()} ${units[unit] ?? ''}`;
}

function seconds(milliseconds: number): string {
  const value = milliseconds / 1000;
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value).toLocaleString('en')} s`;
}
