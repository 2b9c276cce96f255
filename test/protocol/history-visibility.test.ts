import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  guestsMayJoin,
  historyVisibility,
  previewable,
  visible,
  visibleToServer,
  type HistoryVisibility,
  type UserAtEvent,
} from '../../src/protocol/history-visibility.js';
import type { JsonValue } from '../../src/protocol/json.js';
import { alice, aRoom } from '../support/room.js';

const SETTINGS = ['world_readable', 'shared', 'invited', 'joined'] as const;
const MEMBERSHIPS = ['join', 'invite', 'knock', 'leave', 'ban', undefined] as const;

/** The specification's five rules, for an event that changes neither setting nor membership. */
const SEEN: Record<HistoryVisibility, { memberships: readonly unknown[]; ifJoinedLater: boolean }> = {
  world_readable: { memberships: MEMBERSHIPS, ifJoinedLater: true },
  shared: { memberships: ['join'], ifJoinedLater: true },
  invited: { memberships: ['join', 'invite'], ifJoinedLater: false },
  joined: { memberships: ['join'], ifJoinedLater: false },
};

describe.each(SETTINGS)('%s', (visibility) => {
  test.each(MEMBERSHIPS)('seen by somebody with the membership %s', (membership) => {
    const { memberships, ifJoinedLater } = SEEN[visibility];
    const seen = memberships.includes(membership);
    expect(visible({ visibility }, { membership, joinedLater: false })).toBe(seen);
    expect(visible({ visibility }, { membership, joinedLater: true })).toBe(seen || ifJoinedLater);
  });
});

const stranger: UserAtEvent = { membership: undefined, joinedLater: false };

describe('a change of the setting is seen if either setting shows it', () => {
  test.each([
    ['world_readable', 'joined', stranger, true],
    ['joined', 'world_readable', stranger, true],
    ['joined', 'shared', stranger, false],
    ['joined', 'shared', { membership: 'leave', joinedLater: true }, true],
    ['shared', 'joined', { membership: 'leave', joinedLater: true }, true],
    ['joined', 'invited', { membership: 'invite', joinedLater: false }, true],
    ['joined', 'shared', { membership: 'invite', joinedLater: false }, false],
  ] as const)('%s to %s', (visibility, visibilityAfter, user, seen) => {
    expect(visible({ visibility, visibilityAfter }, user)).toBe(seen);
  });
});

describe("a change of one's own membership is seen if either membership shows it", () => {
  test.each([
    ['joined', 'invite', 'join', true],
    ['joined', 'join', 'leave', true],
    ['joined', 'join', 'ban', true],
    ['joined', undefined, 'invite', false],
    ['invited', undefined, 'invite', true],
    ['invited', 'invite', 'leave', true],
    ['shared', undefined, 'join', true],
    ['shared', 'leave', 'ban', false],
    ['world_readable', 'leave', 'ban', true],
  ] as const)('%s: from %s to %s', (visibility, membership, membershipAfter, seen) => {
    expect(visible({ visibility }, { membership, membershipAfter, joinedLater: false })).toBe(seen);
  });
});

describe('to a server', () => {
  const left: UserAtEvent = { membership: 'leave', joinedLater: false };
  test('whose user is there', () => {
    expect(
      visibleToServer({ visibility: 'joined' }, [left, { membership: 'join', joinedLater: false }]),
    ).toBe(true);
  });
  test('whose users are not', () => {
    expect(
      visibleToServer({ visibility: 'joined' }, [left, { membership: 'invite', joinedLater: true }]),
    ).toBe(false);
    expect(visibleToServer({ visibility: 'shared' }, [])).toBe(false);
  });
  test('whose user came later, to a shared room', () => {
    expect(visibleToServer({ visibility: 'shared' }, [{ membership: undefined, joinedLater: true }])).toBe(
      true,
    );
  });
  test('without users, if the world may read, before the event or after it', () => {
    expect(visibleToServer({ visibility: 'world_readable' }, [])).toBe(true);
    expect(visibleToServer({ visibility: 'joined', visibilityAfter: 'world_readable' }, [])).toBe(true);
  });
  test('exactly if it is visible to one of its users', () => {
    const user = fc.record({ membership: fc.constantFrom(...MEMBERSHIPS), joinedLater: fc.boolean() });
    fc.assert(
      fc.property(fc.constantFrom(...SETTINGS), fc.array(user, { minLength: 1 }), (visibility, users) => {
        expect(visibleToServer({ visibility }, users)).toBe(
          users.some((one) => visible({ visibility }, one)),
        );
      }),
    );
  });
});

function setting(type: string, key: string, value: JsonValue) {
  return aRoom('11')
    .createdBy(alice)
    .setState(alice, type, { [key]: value }).last;
}
const history = (value: JsonValue) => setting('m.room.history_visibility', 'history_visibility', value);

test('a room says what it shows, and is shared unless it does', () => {
  for (const value of SETTINGS) expect(historyVisibility(history(value))).toBe(value);
  for (const value of ['public', '', null, 1, ['joined']])
    expect(historyVisibility(history(value))).toBe('shared');
  expect(historyVisibility(undefined)).toBe('shared');
});

test('only what the world may read is previewed', () => {
  expect(SETTINGS.map((value) => previewable(history(value)))).toEqual([true, false, false, false]);
  expect(previewable(undefined)).toBe(false);
});

test('guests join where they are welcome', () => {
  const access = (value: JsonValue) => guestsMayJoin(setting('m.room.guest_access', 'guest_access', value));
  expect([access('can_join'), access('forbidden'), access(true)]).toEqual([true, false, false]);
  expect(guestsMayJoin(undefined)).toBe(false);
});
