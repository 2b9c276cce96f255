/**
 * A moment in a room's life: an event (its place in the event graph), a position in the log, or a time by our
 * clock.
 */
export type Point =
  | { readonly kind: 'event'; readonly eventId: string }
  | { readonly kind: 'position'; readonly position: number }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'time'; readonly time: number };

/** Date, perhaps time, perhaps zone; without a zone it is UTC. */
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/;
const ZONE = /(Z|[+-]\d{2}:\d{2})$/;

/**
 * What somebody means by a text: `$...` is an event ID, a whole number is a position if the log reaches that far and
 * else milliseconds since the epoch, and the rest has to be a date and time (ISO 8601). `undefined`: none of these.
 */
export function parsePoint(text: string, head: number): Point | undefined {
  if (text.startsWith('$')) return { kind: 'event', eventId: text };
  if (/^\d{1,16}$/.test(text)) {
    const number = Number(text);
    if (!Number.isSafeInteger(number)) return undefined;
    return number <= head ? { kind: 'position', position: number } : { kind: 'time', time: number };
  }
  if (!ISO.test(text)) return undefined;
  const time = Date.parse(text.includes('T') && !ZONE.test(text) ? `${text}Z` : text);
  return Number.isNaN(time) ? undefined : { kind: 'time', time };
}
