import type { NotificationCount, ReadMark } from '../src/read-models/collections.js';
import { MAIN } from '../src/read-models/notified-events.js';

/**
 * Of how many threads of a room it is kept how far they are read, beyond what is read of all. Of others, those that are
 * read the least far, events may count as unread again.
 */
const MOST_THREADS = 128;

type Marks = Pick<NotificationCount, 'read' | 'read_threads'>;

/**
 * Marks a room, where the thread is `null`, or one of its threads as read up to somewhere: what was sent until then, and
 * is listed now or not. What is kept are the farthest of all marks that were ever made, so it does not depend on what
 * was listed meanwhile, nor on content.
 *
 * @returns undefined where that was read already
 */
export function markRead(
  member: NotificationCount,
  thread: string | null,
  mark: ReadMark,
): NotificationCount | undefined {
  // No event is in any other.
  if (thread !== null && thread !== MAIN && !thread.startsWith('$')) return undefined;
  const { read, read_threads: known = {} } = member;
  if (isAtLeast(read, mark)) return undefined;
  if (thread === null) return withMarks(member, mark, Object.entries(known));
  if (Object.hasOwn(known, thread) && isAtLeast(known[thread], mark)) return undefined;
  const others = Object.entries(known).filter(([root]) => root !== thread);
  const threads = [...others, [thread, mark] as const];
  const next = withMarks(member, read, threads);
  const { read_threads: kept = {} } = next;
  return Object.hasOwn(kept, thread) ? next : undefined;
}

/** Without the marks that are up to an event or before it. */
export function withoutMarks(member: NotificationCount, upTo: readonly [number, number]): NotificationCount {
  const { read, read_threads: threads = {} } = member;
  const isLeft = (mark: ReadMark) => !isAtLeast(upTo, mark);
  return withMarks(
    member,
    read !== undefined && isLeft(read) ? read : undefined,
    Object.entries(threads).filter(([, mark]) => isLeft(mark)),
  );
}

function withMarks(
  { read: _, read_threads: __, ...member }: NotificationCount,
  read: ReadMark | undefined,
  threads: readonly (readonly [string, ReadMark])[],
): NotificationCount {
  let farther = threads.filter(([, mark]) => !isAtLeast(read, mark));
  if (farther.length > MOST_THREADS) {
    farther = farther
      .toSorted(([a, one], [b, other]) => compareMarks(other, one) || (a < b ? -1 : 1))
      .slice(0, MOST_THREADS);
  }
  const marks: Marks = {
    ...(read === undefined ? {} : { read }),
    ...(farther.length === 0 ? {} : { read_threads: Object.fromEntries(farther) }),
  };
  return { ...member, ...marks };
}

function isAtLeast(mark: ReadMark | undefined, other: ReadMark): boolean {
  return mark !== undefined && compareMarks(mark, other) >= 0;
}

function compareMarks([a, one = Infinity]: ReadMark, [b, other = Infinity]: ReadMark): number {
  if (a !== b) return a - b;
  return one === other ? 0 : one < other ? -1 : 1;
}
