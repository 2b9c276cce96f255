import type { Follow, NotificationCount } from '../src/read-models/collections.js';
import { MOST_HIGHLIGHTED } from '../src/read-models/notified-events.js';

/** Of how many stretches it is kept that the shared list counted: whoever changes their settings more often loses the oldest. */
const MOST_FOLLOWS = 16;

type Follows = readonly Follow[];

/** From the room's next event on the shared list counts. @param events how many the room has */
export function follow(follows: Follows, events: number): Follows {
  return [...kept(follows, events), [events] as const].slice(-MOST_FOLLOWS);
}

/** From the room's next event on the shared list does not count. */
export function unfollow(follows: Follows, events: number): Follows {
  return kept(
    follows.map(([after, upTo = events]): Follow => [after, upTo]),
    events,
  );
}

/** The shared list counts for nothing up to an event, by its number. */
export function followAfter<M extends Pick<NotificationCount, 'follows'>>(member: M, ordinal: number): M {
  const follows = member.follows
    .map(([after, ...upTo]): Follow => [Math.max(after, ordinal), ...upTo])
    .filter(isStretch);
  return { ...member, follows };
}

/** Those in which some event may be listed still. */
function kept(follows: Follows, events: number): Follows {
  return follows.filter(
    (stretch) => isStretch(stretch) && (stretch[1] ?? Infinity) > events - MOST_HIGHLIGHTED,
  );
}

function isStretch([after, upTo = Infinity]: Follow): boolean {
  return after < upTo;
}
