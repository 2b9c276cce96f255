import { describe, expect, it } from 'vitest';
import { expectSpecAnswer } from './spec.js';

const V3 = '/_matrix/client/v3';
const ERROR = { errcode: 'M_UNKNOWN', error: 'No.' };
const MEMBER = {
  type: 'm.room.member',
  event_id: '$a',
  room_id: '!r:one',
  sender: '@a:one',
  state_key: '@a:one',
  origin_server_ts: 1,
  content: { membership: 'join' },
};

/** What is held against the specification is of use only if it notices what is wrong. */
describe('an answer', () => {
  it.each([
    ['GET', `${V3}/joined_rooms`, 200, { joined_rooms: [] }],
    ['GET', '/_matrix/client/r0/joined_rooms?access_token=x', 200, { joined_rooms: ['!r:one'] }],
    ['GET', `${V3}/rooms/!r:one/state/m.room.name`, 200, { name: 'Pub' }],
    ['GET', `${V3}/rooms/!r:one/state`, 200, [MEMBER]],
    ['GET', `${V3}/joined_rooms`, 403, ERROR],
    ['POST', `${V3}/delete_devices`, 401, { flows: [{ stages: [] }], session: 'x' }],
    ['POST', `${V3}/peek/!r:one`, 200, { what: 'nobody specified' }],
    ['GET', `${V3}/joined_rooms`, 429, { ...ERROR, retry_after_ms: 5 }],
  ])('of %s %s with status %i may be %j', (method, url, status, body) => {
    expectSpecAnswer(method, url, status, body);
  });

  it.each([
    ['GET', `${V3}/joined_rooms`, 200, {}],
    ['GET', `${V3}/joined_rooms`, 200, { joined_rooms: 'none' }],
    ['GET', `${V3}/joined_rooms`, 201, { joined_rooms: [] }],
    ['GET', `${V3}/rooms/!r:one/state`, 200, [{ ...MEMBER, sender: undefined }]],
    ['GET', `${V3}/rooms/!r:one/state`, 200, [{ ...MEMBER, content: { membership: 'away' } }]],
    ['POST', `${V3}/peek/!r:one`, 200, { type: 'm.typing', content: {} }],
    ['GET', `${V3}/joined_rooms`, 403, {}],
    ['GET', `${V3}/joined_rooms`, 403, { errcode: 'M_FORBIDDEN' }],
    ['GET', `${V3}/joined_rooms`, 403, { ...ERROR, errcode: 'forbidden' }],
    ['POST', `${V3}/delete_devices`, 401, { session: 'x' }],
    ['GET', `${V3}/joined_rooms`, 429, { ...ERROR, retry_after_ms: 'soon' }],
  ])('of %s %s with status %i cannot be %j', (method, url, status, body) => {
    expect(() => {
      expectSpecAnswer(method, url, status, body);
    }).toThrow();
  });
});
