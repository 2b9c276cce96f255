import { names, together, writing } from './writing.mjs';

/** A room for so many records, and as many people as rooms five times. */
const RECORDS_PER_ROOM = 5000;
const PEOPLE_PER_ROOM = 5;
/** Of each room. */
const MOST_MEMBERS = 5;
/** The rooms of the person that a row asks as. */
const MOST_ROOMS = 20;

/**
 * A log of so many records: accounts, rooms, and then messages in all of the rooms by turns.
 *
 * @returns `person`, an account in some of the rooms
 */
export function longLog({ records, ...place }) {
  return writing(place, async (writer) => {
    const rooms = Math.ceil(records / RECORDS_PER_ROOM);
    const [person] = await writer.accounts(['person']);
    const people = await writer.accounts(names('member', Math.max(MOST_MEMBERS, rooms * PEOPLE_PER_ROOM)));
    const made = [];
    await together(names('Room ', rooms), async (name, n) => {
      const members = Array.from({ length: MOST_MEMBERS }, (_, k) => people[(n * 7 + k) % people.length]);
      const roomId = await writer.room(members[0], name);
      for (const member of members.slice(1)) await writer.join(member, roomId);
      if (n < MOST_ROOMS) await writer.join(person, roomId);
      made[n] = { roomId, members };
    });
    const missing = Math.max(0, records - (await writer.recordCount()));
    await together(Array(missing).fill(), async (_, nth) => {
      const { roomId, members } = made[nth % rooms];
      await writer.say(members[Math.floor(nth / rooms) % members.length], roomId);
    });
    return { person };
  });
}
