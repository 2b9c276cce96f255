/** Characters that a terminal would act on, and those that turn text around, are shown as their code. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Text from outside, safe to be shown on a terminal. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Rows under a header, each column as wide as its widest cell. The last column is not padded. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(printable));
  const widths = header.map((title, i) =>
    clean.reduce((width, row) => Math.max(width, (row[i] ?? '').length), title.length),
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ').trimEnd(); // prettier-ignore
  return `${[header, ...clean].map(line).join('\n')}\n`;
}

/** `2025-01-31 12:00:00` in UTC; an event may claim any time, also one that is none. */
export function timeText(milliseconds: number): string {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return String(milliseconds);
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

/** JSON on one line, cut off where it is long. */
export function contentText(content: unknown, length = 80): string {
  const text = JSON.stringify(content);
  return text.length > length ? `${text.slice(0, length)}...` : text;
}
