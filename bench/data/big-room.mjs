import { pseudoRandom } from '../statistics.mjs';
import { names, together, writing } from './writing.mjs';

/**
 * A public room of so many members and events: few talk for long, then everybody else joins.
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
    const random = pseudoRandom(7);
    await together(Array(events - members).fill(), () =>
      writer.say(speaking[Math.floor(random() * speaking.length)], roomId),
    );
    await together(names('member', members - 2 - speakers), async (name) => {
      await writer.join(await writer.bystander(name), roomId);
    });
    return { roomId, founder, reader, speakers: speaking, joiners: joining };
  });
}
