import type { ReadSide, Viewer } from './read-side.js';
import { eyesOf, type Eyes } from './room-history.js';
import { ignoredUsers } from './sync/account-data-part.js';

/** Whose view of a room's events an answer gives, and when. */
export interface Sight {
  readonly viewer: Viewer;
  readonly eyes: Eyes;
  readonly ignored: ReadonlySet<string>;
  /** Milliseconds since the epoch, for `age`. */
  readonly now: number;
}

/** What a viewer sees a room's events with, as of now. */
export async function sightOf(side: ReadSide, viewer: Viewer, roomId: string): Promise<Sight> {
  const [eyes, ignored] = await Promise.all([
    eyesOf(side, viewer.userId, roomId),
    ignoredUsers(side, viewer.userId),
  ]);
  return { viewer, eyes, ignored, now: side.clock.now() };
}
