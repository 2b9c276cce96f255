const COLOURS: Readonly<Record<string, string>> = {
  fatal: '\u001b[1;31m',
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[32m',
  debug: '\u001b[36m',
  trace: '\u001b[2m',
};
const PLAIN = '\u001b[0m';
const DIM = '\u001b[2m';

/** An entry's JSON line as a person reads it: time, level, area, message, fields; an error's stack below. */
export function pretty(line: string, colours: boolean): string {
  const entry = parse(line);
  if (entry === undefined) return line;
  const { level, time, area, msg, err, ...fields } = entry;
  const paint = (colour: string, text: string): string => (colours ? `${colour}${text}${PLAIN}` : text);
  const name = asText(level);
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const head = [
    paint(DIM, clock),
    paint(COLOURS[name] ?? '', name.toUpperCase().padEnd(5)),
    `${asText(area)}:`,
    asText(msg),
  ];
  const rest = Object.entries(fields).map(([key, value]) => paint(DIM, `${key}=`) + asText(value));
  return `${[...head, ...rest].filter((part) => part !== '').join(' ')}\n${stacks(err)}`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function stacks(err: unknown): string {
  if (!isObject(err)) return '';
  const cause = isObject(err['cause']) ? `  caused by\n${stacks(err['cause'])}` : '';
  return `${printable(typeof err['stack'] === 'string' ? err['stack'] : '', true).replace(/^/gm, '  ')}\n${cause}`;
}

function asText(value: unknown): string {
  if (value === undefined) return '';
  return printable(typeof value === 'string' ? value : JSON.stringify(value), false);
}

/** Control characters could move the cursor and fake entries on the operator's terminal. */
function printable(text: string, newlines: boolean): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => (newlines && c === '\n' ? c : escaped(c)));
}

/** JSON escapes those below the space, and leaves those above it as they are. */
function escaped(control: string): string {
  if (control < ' ') return JSON.stringify(control).slice(1, -1);
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
