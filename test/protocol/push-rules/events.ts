import type { PushContext } from '../../../src/protocol/push-rules/conditions.js';
import type { PushEvent } from '../../../src/protocol/push-rules/event.js';
import type { JsonObject } from '../../../src/protocol/json.js';

export const ME = '@me:a.org';
export const ALICE = '@alice:a.org';

/** A message by alice. */
export function message(content: JsonObject = {}, rest: JsonObject = {}): PushEvent {
  return {
    type: 'm.room.message',
    sender: ALICE,
    room_id: '!r:a.org',
    content: { msgtype: 'm.text', body: 'hello', ...content },
    ...rest,
  };
}

/** A state event by alice. */
export function stateEvent(type: string, stateKey: string, content: JsonObject = {}): PushEvent {
  return { type, sender: ALICE, room_id: '!r:a.org', state_key: stateKey, content };
}

/** Me, in a room of ten where alice has no special level. */
export function context(rest: Partial<PushContext> = {}): PushContext {
  return {
    userId: ME,
    displayName: 'Me Myself',
    memberCount: 10,
    senderLevel: 0,
    notificationLevel: () => 50,
    ...rest,
  };
}
