/** What is kept of an event that notifies a user, beside its place: marks, and what they cannot say; and for whom it counts. */
import type { Follow, NotificationCount, NotifiedEvent, ReadMark } from './notification-collections.js';

/** Bits of the marks. */
const HIGHLIGHTED = 1;
/** The actions have the sound that the predefined rules make. */
const SOUNDS = 2;

/** The thread of events that are in none (Client-Server API, Threaded read receipts). */
export const MAIN = 'main';

/** So many numbers of a room's events make a block. */
const BLOCK = 32;

/**
 * Among how many of a room's newest events one must be to be listed: of an account that nobody uses, no room
 * should gather events for ever, and clients show no such numbers. What goes by the room's events, whatever they are
 * and whom they notify, is the same when some of them have lost their content.
 */
export const MOST_NOTIFIED = 1000;
export const MOST_HIGHLIGHTED = 10_000;

/** Longer actions are kept as far as marks say them: they would be in every event that a rule decides about. */
const MOST_ACTIONS = 256;

const NOTIFY = 'notify';
const SOUND = { set_tweak: 'sound', value: 'default' };
const HIGHLIGHT = { set_tweak: 'highlight' };

/** By marks: the actions that they stand for, as JSON text. */
const STANDARD: ReadonlyMap<number, string> = new Map(
  [0, HIGHLIGHTED, SOUNDS, SOUNDS | HIGHLIGHTED].map((marks) => [
    marks,
    JSON.stringify([
      NOTIFY,
      ...((marks & SOUNDS) === 0 ? [] : [SOUND]),
      ...((marks & HIGHLIGHTED) === 0 ? [] : [HIGHLIGHT]),
    ]),
  ]),
);

/** How a decision is kept: in marks, and as JSON text of its actions where these are not among those of the predefined rules. */
export interface KeptDecision {
  readonly marks: number;
  readonly actions?: string;
}

/** @param actions those of a push rule that notifies (Client-Server API, Push Rules) */
export function keptDecision(highlight: boolean, actions: readonly unknown[], sound?: string): KeptDecision {
  const text = JSON.stringify(actions);
  const plain = highlight ? HIGHLIGHTED : 0;
  for (const marks of [plain, plain | SOUNDS]) {
    if (STANDARD.get(marks) === text) return { marks };
  }
  if (text.length <= MOST_ACTIONS) return { marks: plain, actions: text };
  return { marks: sound === SOUND.value ? plain | SOUNDS : plain };
}

/** @param root of its thread; '' where it is in none */
export function notifiedEvent(
  position: number,
  ordinal: number,
  { marks, actions }: KeptDecision,
  root: string,
): NotifiedEvent {
  if (actions !== undefined) return [position, ordinal, marks, root, actions];
  return root === '' ? [position, ordinal, marks] : [position, ordinal, marks, root];
}

export function isHighlighted(event: NotifiedEvent): boolean {
  return (event[2] & HIGHLIGHTED) !== 0;
}

/** The actions by which the event notifies, as JSON text. */
export function actionsText([, , marks, , actions]: NotifiedEvent): string {
  return actions ?? STANDARD.get(marks) ?? '[]';
}

/** In which block of its list an event is, by its number in the room. */
export function blockOf(ordinal: number): number {
  return Math.floor(ordinal / BLOCK);
}

/** Whether too much has happened in the room after an event, up to that of a number. */
export function isOld(event: NotifiedEvent, newest: number): boolean {
  return event[1] <= newest - (isHighlighted(event) ? MOST_HIGHLIGHTED : MOST_NOTIFIED);
}

/** Whether a mark is at an event or after it. */
export function covers(mark: ReadMark | undefined, event: NotifiedEvent): boolean {
  if (mark === undefined) return false;
  // By index: a thousand events are looked at for one answer.
  const at = mark[0];
  return event[0] < at || (event[0] === at && event[1] <= (mark[1] ?? Infinity));
}

/** Whether an event of a list was read by a member. */
export function isReadBy(
  { read, read_threads: threads }: Pick<NotificationCount, 'read' | 'read_threads'>,
  event: NotifiedEvent,
): boolean {
  if (covers(read, event)) return true;
  if (threads === undefined) return false;
  const thread = event[3] || MAIN;
  return Object.hasOwn(threads, thread) && covers(threads[thread], event);
}

/** Whether the shared list's entry of an event counts for a member. */
export function isFollowed(follows: readonly Follow[], ordinal: number): boolean {
  return follows.some((stretch) => stretch[0] < ordinal && ordinal <= (stretch[1] ?? Infinity));
}
