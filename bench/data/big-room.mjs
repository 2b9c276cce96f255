import { pseudoRandom } from '../statistics.mjs';
import { names, together, writing } from './writing.mjs';

/** So many members at most say something; all others only read. */
const MOST_WRITERS = 1000;

/**
 * A public room of so many members and events, which came about as rooms do: people join while others talk.
 *
 * @param sizes `members` in the end; `events`, joins and messages together; `joiners`, accounts that are not in the room
 *   yet; `speakers`, members that a row sends as
 * @returns `roomId`, and the accounts `founder`, `reader` (a member), `speakers` and `joiners`
 */
export function bigRoom({ members, events, joiners, speakers, ...place }) {
  return writing(place, async (writer) => {
    const [founder, reader] = await writer.accounts(['founder', 'reader']);
    const speaking = await writer.accounts(names('speaker', speakers));
    const joining = await writer.accounts(names('joiner', joiners));
    const roomId = await writer.room(founder, 'A big room');
    await together([reader, ...speaking], (person) => writer.join(person, roomId));
    const writers = [founder, ...speaking];
    const others = names('member', members - 2 - speakers);
    const random = pseudoRandom(7);
    await together(evenly(others, events - members), async (name) => {
      if (name === undefined) {
        await writer.say(writers[Math.floor(random() * writers.length)], roomId);
      } else if (writers.length < MOST_WRITERS) {
        const person = await writer.account(name);
        await writer.join(person, roomId);
        writers.push(person);
      } else await writer.join(await writer.bystander(name), roomId);
    });
    return { roomId, founder, reader, speakers: speaking, joiners: joining };
  });
}

/** The items, and among them, evenly spread, `undefined` so many times. */
function evenly(items, gaps) {
  const total = items.length + gaps;
  return Array.from({ length: total }, (_, n) => {
    const before = Math.floor((n * items.length) / total);
    return Math.floor(((n + 1) * items.length) / total) > before ? items[before] : undefined;
  });
}
