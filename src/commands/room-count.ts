import { tooMany } from './limits.js';
import type { WriteSide } from './write-side.js';

/** Refuses one more room to who is in as many as a user may be. @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED */
export function checkRoomCount(side: WriteSide, userId: string): void {
  const { rooms: most } = side.limits;
  if (most === Infinity) return;
  const joined = side.ports.index.rooms(userId).filter(({ membership }) => membership === 'join');
  if (joined.length >= most) throw tooMany(`You are in ${most} rooms, and can be in no more: leave some.`);
}
