import { names, together, writing } from './writing.mjs';

/** So many times as many people as are in a room are in one of the rooms or another. */
const CIRCLES = 5;

/** So many people in one public room. @returns `roomId`, and the `accounts`, all of them members */
export function crowd({ people, ...place }) {
  return writing(place, async (writer) => {
    const accounts = await writer.accounts(names('person', people));
    const roomId = await writer.room(accounts[0], 'A crowd');
    await together(accounts, (account) => writer.join(account, roomId));
    return { roomId, accounts };
  });
}

/**
 * Rooms of so many members, with so many messages in each.
 *
 * @param sizes `watchers` of the members are in all of the rooms, and say nothing
 * @returns `people`, the watchers
 */
export function fullRooms({ rooms, members, watchers, messages, ...place }) {
  return writing(place, async (writer) => {
    const people = await writer.accounts(names('watcher', watchers));
    const talking = members - watchers;
    const others = await writer.accounts(names('member', CIRCLES * talking));
    await together(names('Room ', rooms), async (name, n) => {
      const own = Array.from({ length: talking }, (_, k) => others[(n * 37 + k) % others.length]);
      const roomId = await writer.room(own[0], name);
      for (const person of [...own.slice(1), ...people]) await writer.join(person, roomId);
      for (let k = 0; k < messages; k++) await writer.say(own.at(-1 - (k % talking)), roomId);
    });
    return { people };
  });
}

/**
 * An account in so many rooms, and another who is in all of them.
 *
 * @returns `account`, `other` and the `roomIds`
 */
export function manyRooms({ rooms, ...place }) {
  return writing(place, async (writer) => {
    const [account, other] = await writer.accounts(['account', 'other']);
    const roomIds = [];
    await together(names('Room ', rooms), async (name, n) => {
      const roomId = (roomIds[n] = await writer.room(other, name));
      await writer.join(account, roomId);
      await writer.say(other, roomId);
    });
    return { account, other, roomIds };
  });
}
