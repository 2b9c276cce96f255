import {
  EventStatus,
  Direction,
  EventType,
  SyncState,
  MsgType,
  NotificationCountType,
  Preset,
  RelationType,
  type MatrixClient,
} from 'matrix-js-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { serveFolder, type ServedServer } from '../support/served-server.js';
import { hears, loginWithSdk, registerWithSdk, roomOf, seen, startSyncing, textsOf } from './sdk.js';

/** One story, told in order: each chapter goes on where the one before it has ended. */
describe('Alice and Bob, with matrix-js-sdk', () => {
  const folder = temporaryFolder();
  let server: ServedServer;
  let alice: MatrixClient;
  let bob: MatrixClient;
  const syncing: MatrixClient[] = [];
  const [aliceId, bobId] = ['@alice:localhost', '@bob:localhost'];
  let roomId: string;

  beforeAll(async () => {
    server = await serveFolder(folder.path);
  });
  afterAll(async () => {
    for (const client of syncing) client.stopClient();
    await server.stop();
    folder.remove();
  });

  /** Another device, syncing from the start. */
  async function device(client: Promise<MatrixClient>): Promise<MatrixClient> {
    const started = await client;
    syncing.push(started);
    await startSyncing(started);
    return started;
  }

  it('register, and begin to sync', async () => {
    alice = await device(registerWithSdk(server.url, 'alice'));
    bob = await device(registerWithSdk(server.url, 'bob'));
    expect(await bob.whoami()).toMatchObject({ user_id: bobId, device_id: bob.getDeviceId() });
    expect(alice.getRooms()).toEqual([]);
  });

  it('Alice makes a room and invites Bob, who sees by whom and to what, and joins', async () => {
    ({ room_id: roomId } = await alice.createRoom({
      name: 'Tea',
      topic: 'Leaves',
      preset: Preset.PrivateChat,
    }));
    await seen(alice, 'her room', () => alice.getRoom(roomId)?.getMyMembership() === 'join');
    expect(roomOf(alice, roomId).name).toBe('Tea');
    await alice.invite(roomId, bobId);
    await seen(bob, 'the invite', () => bob.getRoom(roomId)?.getMyMembership() === 'invite');
    await seen(bob, "the room's name", () => roomOf(bob, roomId).name === 'Tea');
    expect(roomOf(bob, roomId).getMember(bobId)?.events.member?.getSender()).toBe(aliceId);

    await bob.joinRoom(roomId);
    await seen(bob, 'his joining', () => roomOf(bob, roomId).getMyMembership() === 'join');
    await seen(alice, "Bob's joining", () => roomOf(alice, roomId).getMember(bobId)?.membership === 'join');
    expect(roomOf(alice, roomId).getJoinedMemberCount()).toBe(2);
  });

  it('they talk, and nobody sees anything twice', async () => {
    await alice.sendTextMessage(roomId, 'Hello Bob');
    await hears(bob, roomId, 'Hello Bob');
    await bob.sendTextMessage(roomId, 'Hello Alice');
    // Whose sync is answered first is nobody's promise.
    await Promise.all([hears(alice, roomId, 'Hello Alice'), hears(bob, roomId, 'Hello Alice')]);
    // The echo of what one sends and the event that the server tells of are one, by the transaction ID.
    await seen(alice, 'her own message', () => roomOf(alice, roomId).getPendingEvents().length === 0);
    expect(textsOf(alice, roomId)).toEqual(['Hello Bob', 'Hello Alice']);
    expect(textsOf(bob, roomId)).toEqual(['Hello Bob', 'Hello Alice']);
  });

  it('Bob edits, Alice redacts, Bob reacts', async () => {
    const { event_id: typo } = await bob.sendTextMessage(roomId, 'Green tee?');
    await hears(alice, roomId, 'Green tee?');
    await bob.sendMessage(roomId, {
      msgtype: MsgType.Text,
      body: '* Green tea?',
      'm.new_content': { msgtype: MsgType.Text, body: 'Green tea?' },
      'm.relates_to': { rel_type: RelationType.Replace, event_id: typo },
    });
    await hears(alice, roomId, 'Green tea?');

    const { event_id: secret } = await alice.sendTextMessage(roomId, 'My password is hunter2');
    await hears(bob, roomId, 'My password is hunter2');
    await alice.redactEvent(roomId, secret, undefined, { reason: 'Oops' });
    await hears(bob, roomId, '(redacted)');
    const redacted = roomOf(bob, roomId).findEventById(secret);
    expect(redacted?.getContent()).toEqual({});
    expect(redacted?.getRedactionEvent()?.content).toMatchObject({ reason: 'Oops' });

    const { event_id: answer } = await alice.sendTextMessage(roomId, 'Yes please');
    await hears(bob, roomId, 'Yes please');
    await bob.sendEvent(roomId, EventType.Reaction, {
      'm.relates_to': { rel_type: RelationType.Annotation, event_id: answer, key: '🍵' },
    });
    await seen(alice, 'the reaction', () => {
      const reactions = roomOf(alice, roomId).relations.getChildEventsForEvent(
        answer,
        RelationType.Annotation,
        EventType.Reaction,
      );
      return reactions?.getSortedAnnotationsByKey()?.[0]?.[0] === '🍵';
    });
  });

  it('unread counts rise with messages and mentions, and fall with a receipt, which Alice sees', async () => {
    const room = roomOf(bob, roomId);
    const unread = (kind: NotificationCountType) => room.getUnreadNotificationCount(kind);
    const read = room.getLiveTimeline().getEvents().at(-1) ?? null;
    await bob.sendReadReceipt(read);
    await seen(bob, 'nothing unread', () => unread(NotificationCountType.Total) === 0);

    await alice.sendTextMessage(roomId, 'One');
    const { event_id: last } = await alice.sendMessage(roomId, {
      msgtype: MsgType.Text,
      body: 'Two, Bob',
      'm.mentions': { user_ids: [bobId] },
    });
    await hears(bob, roomId, 'Two, Bob');
    await seen(bob, 'two unread messages', () => unread(NotificationCountType.Total) === 2);
    expect(unread(NotificationCountType.Highlight)).toBe(1);

    await bob.sendReadReceipt(room.findEventById(last) ?? null);
    await seen(alice, "Bob's receipt", () => roomOf(alice, roomId).getEventReadUpTo(bobId) === last);
    // The SDK counts for itself on the device that reads; another device is told by the server.
    const phone = await device(loginWithSdk(server.url, 'bob'));
    expect(roomOf(phone, roomId).getUnreadNotificationCount(NotificationCountType.Total)).toBe(0);
    expect(roomOf(phone, roomId).getEventReadUpTo(bobId)).toBe(last);
  });

  it('Alice sees Bob type, and stop', async () => {
    const typing = () => roomOf(alice, roomId).getMember(bobId)?.typing;
    await bob.sendTyping(roomId, true, 30_000);
    await seen(alice, 'Bob typing', () => typing() === true);
    await bob.sendTyping(roomId, false, 0);
    await seen(alice, 'Bob no longer typing', () => typing() === false);
  });

  it("Bob's new display name comes into the room", async () => {
    await bob.setDisplayName('Bob the Builder');
    const name = () => roomOf(alice, roomId).getMember(bobId)?.name;
    await seen(alice, "Bob's new name", () => name() === 'Bob the Builder');
    expect(await alice.getProfileInfo(bobId)).toMatchObject({ displayname: 'Bob the Builder' });
  });

  it('a device is told of the members that it needs, and of the others when it asks', async () => {
    const guests = ['carol', 'dave', 'erin'];
    const { room_id: party } = await alice.createRoom({ preset: Preset.PublicChat, name: 'Party' });
    for (const guest of guests) {
      const client = await registerWithSdk(server.url, guest);
      await client.joinRoom(party);
    }
    for (let count = 1; count <= 20; count++) await alice.sendTextMessage(party, `Speech, page ${count}`);
    const tablet = await device(loginWithSdk(server.url, 'alice'));
    const room = roomOf(tablet, party);
    expect(room.name).toBe('Party');
    expect(room.getJoinedMemberCount()).toBe(4);
    expect(room.getMember('@dave:localhost')).toBeNull();
    await room.loadMembersIfNeeded();
    expect(
      room
        .getJoinedMembers()
        .map(({ userId }) => userId)
        .sort(),
    ).toEqual(['alice', ...guests].map((name) => `@${name}:localhost`));
  });

  it('a new device pages back to the very beginning, in order', async () => {
    const pages = Array.from({ length: 60 }, (_, index) => `Chapter ${index + 1}`);
    for (const page of pages) await alice.sendTextMessage(roomId, page);
    const laptop = await device(loginWithSdk(server.url, 'bob'));
    const room = roomOf(laptop, roomId);
    expect(textsOf(laptop, roomId).at(-1)).toBe('Chapter 60');
    expect(textsOf(laptop, roomId).length).toBeLessThanOrEqual(8);
    const more = () => room.getLiveTimeline().getPaginationToken(Direction.Backward) !== null;
    while (more()) await laptop.scrollback(room, 25);
    expect(textsOf(laptop, roomId)).toEqual([
      'Hello Bob',
      'Hello Alice',
      'Green tea?',
      '(redacted)',
      'Yes please',
      'One',
      'Two, Bob',
      ...pages,
    ]);
    expect(room.getLiveTimeline().getEvents()[0]?.getType()).toBe('m.room.create');
  });

  it('the server restarts: the clients go on by themselves, without a gap, and nothing comes twice', async () => {
    await alice.sendTextMessage(roomId, 'Before');
    await hears(bob, roomId, 'Before');
    await server.stop();
    const room = roomOf(alice, roomId);
    await expect(alice.sendTextMessage(roomId, 'Into the void')).rejects.toThrow();
    // Her own "Before" may be pending still: sent, and not heard of.
    const unsent = room.getPendingEvents().find((event) => event.getContent()['body'] === 'Into the void');
    await seen(bob, 'the lost connection', () => bob.getSyncState() !== SyncState.Syncing);
    await server.start();

    if (unsent === undefined) throw new Error('The message that could not be sent is gone.');
    // The client sends it again by itself where it notices in time that the server is back.
    if (unsent.status === EventStatus.NOT_SENT) await alice.resendEvent(unsent, room);
    await hears(bob, roomId, 'Into the void');
    await bob.sendTextMessage(roomId, 'I hear you');
    for (const client of [alice, bob]) await hears(client, roomId, 'I hear you');
    for (const client of [alice, bob]) {
      expect(textsOf(client, roomId).slice(-4)).toEqual([
        'Chapter 60',
        'Before',
        'Into the void',
        'I hear you',
      ]);
      const ids = roomOf(client, roomId)
        .getLiveTimeline()
        .getEvents()
        .map((event) => event.getId());
      expect(new Set(ids).size).toBe(ids.length);
    }
    expect(await bob.whoami()).toMatchObject({ user_id: bobId });
  });

  it('Bob leaves, which Alice sees, and logs out for good', async () => {
    await bob.leave(roomId);
    await seen(bob, 'his leaving', () => roomOf(bob, roomId).getMyMembership() === 'leave');
    await seen(alice, "Bob's leaving", () => roomOf(alice, roomId).getMember(bobId)?.membership === 'leave');
    await expect(bob.sendTextMessage(roomId, 'Still here?')).rejects.toMatchObject({
      errcode: 'M_FORBIDDEN',
    });
    await bob.forget(roomId);
    expect(bob.getRoom(roomId)).toBeNull();
    await bob.logout(true);
    await expect(bob.whoami()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  });
});
