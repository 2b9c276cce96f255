import {
  createClient,
  ClientEvent,
  MatrixError,
  PendingEventOrdering,
  RoomEvent,
  RoomMemberEvent,
  RoomStateEvent,
} from 'matrix-js-sdk';
import type { MatrixClient, Room } from 'matrix-js-sdk';
import { logger } from 'matrix-js-sdk/lib/logger.js';

// It tells of every request; what matters here is told by what the tests wait for.
const silent = () => undefined;
Object.assign(logger, {
  trace: silent,
  debug: silent,
  log: silent,
  info: silent,
  warn: silent,
  error: silent,
});

/** After this long a test that waits for an event says what it waited for (milliseconds). */
const PATIENCE = 25_000;

const PASSWORD = 'correct horse battery staple';

/** Makes an account as clients do: asks which stages there are, and goes through the one that asks for nothing. */
export async function registerWithSdk(baseUrl: string, username: string): Promise<MatrixClient> {
  const visitor = createClient({ baseUrl });
  const request = { username, password: PASSWORD };
  const challenge: unknown = await visitor.registerRequest(request).catch((error: unknown) => error);
  if (!(challenge instanceof MatrixError) || challenge.httpStatus !== 401) {
    throw new Error(`Registering begins with a challenge, and not with ${String(challenge)}.`);
  }
  const { session } = challenge.data as { session: string };
  const { user_id, device_id, access_token } = await visitor.registerRequest({
    ...request,
    auth: { type: 'm.login.dummy', session },
  });
  if (access_token === undefined || device_id === undefined)
    throw new Error('Registered, but not logged in.');
  return createClient({ baseUrl, userId: user_id, deviceId: device_id, accessToken: access_token });
}

/** Another device of an account that `registerWithSdk` has made. */
export async function loginWithSdk(baseUrl: string, username: string): Promise<MatrixClient> {
  const { user_id, device_id, access_token } = await createClient({ baseUrl }).loginRequest({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: username },
    password: PASSWORD,
  });
  return createClient({ baseUrl, userId: user_id, deviceId: device_id, accessToken: access_token });
}

/** Starts the client's sync loop, and waits for the first answer. */
export async function startSyncing(client: MatrixClient): Promise<void> {
  const pendingEventOrdering = PendingEventOrdering.Detached;
  await client.startClient({ initialSyncLimit: 8, lazyLoadMembers: true, pendingEventOrdering });
  await seen(client, 'the first sync', () => client.isInitialSyncComplete());
}

/** What the SDK tells when something may have changed. */
const NEWS = [
  ClientEvent.Sync,
  ClientEvent.Room,
  RoomEvent.Timeline,
  RoomEvent.MyMembership,
  RoomEvent.Receipt,
  RoomEvent.Redaction,
  RoomEvent.LocalEchoUpdated,
  RoomMemberEvent.Typing,
  RoomMemberEvent.Name,
  RoomStateEvent.Events,
] as const;

/** Waits until something holds of what a client has been told; it is looked at whenever the client has news. */
export function seen(client: MatrixClient, what: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      try {
        if (!holds()) return;
        resolve();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
      for (const news of NEWS) client.off(news, look);
      clearTimeout(timer);
    };
    const timer = setTimeout(() => {
      for (const news of NEWS) client.off(news, look);
      reject(new Error(`${client.getUserId() ?? 'A client'} was never told of ${what}.`));
    }, PATIENCE);
    for (const news of NEWS) client.on(news, look);
    look();
  });
}

/** A room that the client knows. */
export function roomOf(client: MatrixClient, roomId: string): Room {
  const room = client.getRoom(roomId);
  if (room === null) throw new Error(`${client.getUserId() ?? 'A client'} does not know ${roomId}.`);
  return room;
}

/** The texts of a room's messages as the client shows them, the oldest first; redacted ones have none. */
export function textsOf(client: MatrixClient, roomId: string): string[] {
  return roomOf(client, roomId)
    .getLiveTimeline()
    .getEvents()
    .filter((event) => event.getType() === 'm.room.message' && !event.isRelation('m.replace'))
    .map((event) => (event.isRedacted() ? '(redacted)' : String(event.getContent()['body'])));
}

/** Waits until the last message that the client shows in the room is this one; it may not know the room yet. */
export function hears(client: MatrixClient, roomId: string, text: string): Promise<void> {
  return seen(
    client,
    `"${text}"`,
    () => client.getRoom(roomId) !== null && textsOf(client, roomId).at(-1) === text,
  );
}
