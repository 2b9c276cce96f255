import { createRoom } from '../../src/commands/create-room.js';
import { register } from '../../src/commands/registration.js';
import { sendEvent, sendState } from '../../src/commands/room-send.js';
import type { CommandContext } from '../../src/commands/command.js';
import type { WriteSide } from '../../src/commands/write-side.js';
import type { RecordOf } from '../../src/log/records.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { ForeignServer } from './foreign.js';

export const ALICE = '@alice:one.example';
export const BOB = '@bob:two.example';
export const CAROL = '@carol:two.example';

/** The IDs of what happened in a forked room, by what it was. */
export interface ForkedRoom {
  readonly roomId: string;
  readonly two: ForeignServer;
  readonly bobJoined: string;
  /** Alice and Bob changed the power levels at the same time. */
  readonly aliceLevels: string;
  readonly bobLevels: string;
  /** Said after both: state was resolved before it. */
  readonly merged: string;
  /** Alice banned Carol; what Carol said meanwhile is soft-failed. */
  readonly ban: string;
  readonly late: string;
  /** Carol, without the power to, changed the topic: rejected. */
  readonly rejected: string;
  readonly last: string;
  /** The data of a refusal that was never recorded: somebody who is not in the room speaks. */
  readonly intruder: RecordOf<'room.event.rejected'>['data'];
}

/** A room of version 11 with people of two servers, concurrent changes, a ban, soft-failed and rejected events. */
export async function forkedRoom(side: WriteSide, context: () => CommandContext): Promise<ForkedRoom> {
  const two = new ForeignServer('two.example');
  await register(side, { username: 'alice', kind: 'user', method: 'operator' }, context());
  const levels = (users: JsonObject): JsonObject => ({ events: {}, users: { [ALICE]: 100, ...users } });
  const request = { preset: 'public_chat', power_level_content_override: levels({ [BOB]: 50 }) } as const;
  const { room_id: roomId } = (await createRoom(side, ALICE, request, '11', context())).result;
  const device = { userId: ALICE, deviceId: 'PHONE' };
  const sets = async (type: string, content: JsonObject, stateKey = '') =>
    (await sendState(side, device, roomId, { type, stateKey, content }, context())).result.event_id;
  const says = async (body: string) => {
    const message = { type: 'm.room.message', content: { msgtype: 'm.text', body }, transactionId: body };
    return (await sendEvent(side, device, roomId, message, context())).result.event_id;
  };
  const sends = async (draft: Parameters<ForeignServer['sends']>[2]) =>
    (await two.sends(side, roomId, draft, context())).eventId;
  const join = (user: string) =>
    sends({ type: 'm.room.member', sender: user, stateKey: user, content: { membership: 'join' } });

  const bobJoined = await join(BOB);
  const carolJoined = await join(CAROL);
  const aliceLevels = await sets('m.room.power_levels', levels({ [BOB]: 50, '@dave:one.example': 10 }));
  const bobLevels = await sends({
    type: 'm.room.power_levels',
    sender: BOB,
    stateKey: '',
    content: levels({ [BOB]: 50, [CAROL]: 20 }),
    prevEvents: [carolJoined],
  });
  const merged = await says('After both');
  const ban = await sets('m.room.member', { membership: 'ban' }, CAROL);
  const late = await sends({
    type: 'm.room.message',
    sender: CAROL,
    content: { body: 'late' },
    prevEvents: [merged],
  });
  const rejected = await sends({
    type: 'm.room.topic',
    sender: CAROL,
    stateKey: '',
    content: { topic: 'Mine' },
    prevEvents: [merged],
  });
  const last = await says('The end');
  const speech = { type: 'm.room.message', sender: '@eve:two.example', content: { body: 'Let me in' } };
  const intruder = await two.wouldBe(side, roomId, speech, context());
  if (intruder.type !== 'room.event.rejected') throw new Error('Eve was let in.');
  return {
    intruder: intruder.data,
    roomId,
    two,
    bobJoined,
    aliceLevels,
    bobLevels,
    merged,
    ban,
    late,
    rejected,
    last,
  };
}
