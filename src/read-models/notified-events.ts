/** What is kept of an event that notifies a user, beside its place: marks, and what they cannot say. */
import type { NotifiedEvent } from './collections.js';

/** Bits of the marks. */
const HIGHLIGHTED = 1;
const READ = 2;
/** The actions have the sound that the predefined rules make. */
const SOUNDS = 4;

/** Longer actions are kept as far as marks say them: they would be in every event that a rule decides about. */
const MOST_ACTIONS = 256;

const NOTIFY = 'notify';
const SOUND = { set_tweak: 'sound', value: 'default' };
const HIGHLIGHT = { set_tweak: 'highlight' };

/** By marks without {@link READ}: the actions that they stand for, as JSON text. */
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

export function isRead([, , marks]: NotifiedEvent): boolean {
  return (marks & READ) !== 0;
}

/** The event, read. */
export function asRead([position, ordinal, marks, root = '', actions]: NotifiedEvent): NotifiedEvent {
  return notifiedEvent(
    position,
    ordinal,
    { marks: marks | READ, ...(actions === undefined ? {} : { actions }) },
    root,
  );
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

export function isHighlighted([, , marks]: NotifiedEvent): boolean {
  return (marks & HIGHLIGHTED) !== 0;
}

/** The actions by which the event notifies, as JSON text. */
export function actionsText([, , marks, , actions]: NotifiedEvent): string {
  return actions ?? STANDARD.get(marks & ~READ) ?? '[]';
}
