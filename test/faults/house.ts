import { MatrixClient, matrixPath } from '../support/matrix-client.js';
import type { Ledger } from './ledger.js';
import type { Rooms } from './load.js';

const USERS = 6;
const PASSWORD = 'a password of no weight';

/** Accounts and rooms for the load: everybody is in the hall, some are in chambers, the lobby is open to all. */
export async function openHouse(
  url: string,
  ledger: Ledger,
): Promise<{
  readonly clients: readonly MatrixClient[];
  readonly rooms: Rooms;
  readonly reader: MatrixClient;
}> {
  const clients: MatrixClient[] = [];
  for (let user = 0; user < USERS; user++) {
    clients.push(await new MatrixClient(url).register(`user${user}`, PASSWORD));
  }
  const [host, ...guests] = clients;
  if (host === undefined) throw new Error('Nobody is there.');
  const create = async (owner: MatrixClient, members: readonly MatrixClient[]): Promise<string> => {
    // Everybody may set state.
    const body = { preset: 'public_chat', power_level_content_override: { state_default: 0 } };
    const { room_id: roomId } = await owner.ok('POST', 'v3/createRoom', { body });
    if (typeof roomId !== 'string') throw new Error('A room without an ID.');
    for (const member of members) await member.ok('POST', matrixPath`v3/rooms/${roomId}/join`, { body: {} });
    return roomId;
  };
  const chambers = [];
  for (const [owner, ...members] of [guests.slice(0, 3), guests.slice(2)]) {
    if (owner === undefined) continue;
    const roomId = await create(owner, members);
    chambers.push({ roomId, members: [owner, ...members].map(({ userId }) => userId) });
  }
  const hall = await create(host, guests);
  const lobby = await create(host, guests);
  for (const { userId } of guests) {
    const path = matrixPath`v3/rooms/${lobby}/state/m.room.member/${userId}`;
    ledger.values.set(path, { userId, path, content: { membership: 'join' } });
  }
  const rooms = { hall, chambers, lobby, host: host.userId };
  return { clients, rooms, reader: await new MatrixClient(url).login('user0', PASSWORD) };
}
