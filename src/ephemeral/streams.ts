const PREFIX = 'ephemeral-';

/** The stream of a process, by which it tells others of typing and presence for as long as it runs. */
export function ephemeralStream(process: string): string {
  return `${PREFIX}${process}`;
}

/** Whether a stream is such a one: soon of no value to anybody. */
export function isEphemeralStream(stream: string): boolean {
  return stream.startsWith(PREFIX);
}
