import { memberships } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';

/** Whether two users are joined to the same room: costs the rooms that the second has joined. */
export async function shareRoom(side: ReadSide, userId: string, other: string): Promise<boolean> {
  const rooms = await side.joinedRooms.of(userId);
  const theirs = await side.store.collection(memberships).find({ prefix: [other, 'join'] }, 'user');
  return theirs.some(({ room_id: roomId }) => rooms.get(roomId)?.membership === 'join');
}
