import type { JsonObject } from '../../../../src/protocol/json.js';
import type { AuthRules } from '../../../../src/protocol/room-versions.js';
import { alice, bob, carol, type Draft, type TestRoom } from '../../../support/room.js';
import { allowed, refused, type AuthCase } from './case.js';

const named = (auth: AuthRules) => auth.creatorInContent;
const unnamed = (auth: AuthRules) => !auth.creatorInContent;
const domain = (auth: AuthRules) => !auth.privilegedCreators;
const privileged = (auth: AuthRules) => auth.privilegedCreators;

function create(room: TestRoom, content: JsonObject = {}, more: Partial<Draft> = {}) {
  const creator = room.version.auth.creatorInContent ? { creator: alice.id } : {};
  return room.event({
    type: 'm.room.create',
    sender: alice,
    stateKey: '',
    content: { ...creator, ...content },
    ...more,
  });
}

export const createCases: AuthCase[] = [
  allowed('without a room version', (room) => create(room)),
  allowed('with its own room version', (room) => create(room, { room_version: room.version.id })),
  refused('create.prev_events', 'on top of another event', (room) =>
    create(room, {}, { prevEvents: ['$before'] }),
  ),
  refused(
    'create.room_id',
    "in another server's room ID",
    (room) => create(room, {}, { roomId: `!room:${carol.server}` }),
    domain,
  ),
  refused(
    'create.room_id',
    'in a room ID without a server',
    (room) => create(room, {}, { roomId: '!room' }),
    domain,
  ),
  refused(
    'create.room_id',
    'with a room ID of its own',
    (room) => create(room, {}, { roomId: `!room:${alice.server}` }),
    privileged,
  ),
  refused('create.room_version', 'with an unknown room version', (room) =>
    create(room, { room_version: 'org.new' }),
  ),
  refused('create.room_version', 'with a number as room version', (room) =>
    create(room, { room_version: 1 }),
  ),
  refused('create.room_version', 'with null as room version', (room) => create(room, { room_version: null })),
  refused('create.creator', 'without a creator', (room) => create(room, { creator: undefined }), named),
  allowed('with a creator other than its sender', (room) => create(room, { creator: bob.id }), named),
  allowed('without a creator', (room) => create(room), unnamed),
  allowed(
    'with additional creators',
    (room) => create(room, { additional_creators: [bob.id, carol.id] }),
    privileged,
  ),
  allowed('with no additional creators', (room) => create(room, { additional_creators: [] }), privileged),
  allowed(
    'with what will be creators one day',
    (room) => create(room, { additional_creators: 'bob' }),
    domain,
  ),
  ...['bob', null, { [bob.id]: true }, [1], [bob.id, 'bob'], [[bob.id]], ['@:'], ['@bob:one example']].map(
    (value) =>
      refused(
        'create.additional_creators',
        `with ${JSON.stringify(value)} as additional creators`,
        (room) => create(room, { additional_creators: value }),
        privileged,
      ),
  ),
];
