import type { RoomSession } from '../../src/commands/room/room-session.js';
import type { RecordBody } from '../../src/log/records.js';
import { receiveEvent } from '../../src/commands/room/receive-event.js';
import { authEventKeys } from '../../src/protocol/auth-events.js';
import { buildEvent } from '../../src/protocol/event-format.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { generateSigningKey, VerifyKey } from '../../src/protocol/keys.js';
import { roomStream } from '../../src/commands/aggregates/room.js';
import type { WriteSide } from '../../src/commands/write-side.js';
import type { CommandContext } from '../../src/commands/command.js';
import { seededRandom } from './seeded-random.js';

/** An event of somebody on another server, made on any events of the room. */
export interface ForeignDraft {
  readonly type: string;
  readonly sender: string;
  readonly stateKey?: string;
  readonly content: JsonObject;
  /** On which it builds; by default the room's front. */
  readonly prevEvents?: readonly string[];
}

/** Another server: it makes and signs events of its own users, and hands them to ours as federation would. */
export class ForeignServer {
  readonly name: string;
  readonly key;
  #time = 1_000;

  constructor(name: string) {
    this.name = name;
    const random = seededRandom(name);
    this.key = generateSigningKey((length) => random.bytes(length), '1');
  }

  get verifyKeys(): ReadonlyMap<string, VerifyKey> {
    const key = VerifyKey.from(this.key.publicKey);
    if (key === undefined) throw new Error('This key cannot be.');
    return new Map([[this.key.id, key]]);
  }

  /** Sends an event, whatever comes of it; gives it. */
  async sends(
    side: WriteSide,
    roomId: string,
    draft: ForeignDraft,
    context: CommandContext,
  ): Promise<RoomEvent> {
    const done = await side.rooms.handle(roomStream(roomId), context, async (session) => {
      const event = this.#event(session, draft);
      return { records: await receiveEvent(session, { event }), result: event };
    });
    return done.result;
  }

  /** What would be recorded of an event, without recording it. */
  async wouldBe(
    side: WriteSide,
    roomId: string,
    draft: ForeignDraft,
    context: CommandContext,
  ): Promise<RecordBody> {
    const done = await side.rooms.handle(roomStream(roomId), context, async (session) => {
      const [record] = await receiveEvent(session.fork(), { event: this.#event(session, draft) });
      if (record === undefined) throw new Error('The event is known already.');
      return { records: [], result: record };
    });
    return done.result;
  }

  #event(session: RoomSession, draft: ForeignDraft): RoomEvent {
    const prevEvents = draft.prevEvents ?? session.graph.extremities;
    const root = session.place(prevEvents[0] ?? '')?.stateAfter ?? session.graph.root;
    const keys = authEventKeys({ ...draft, stateKey: draft.stateKey }, session.version);
    return buildEvent(
      {
        type: draft.type,
        sender: draft.sender,
        content: draft.content,
        roomId: session.roomId,
        ...(draft.stateKey === undefined ? {} : { stateKey: draft.stateKey }),
        prevEvents,
        authEvents: keys.flatMap(({ type, stateKey }) => session.stateId(type, stateKey, root) ?? []),
        depth: 1 + Math.max(...prevEvents.map((id) => session.place(id)?.depth ?? 0)),
        originServerTs: ++this.#time,
        refHashes: () => '',
      },
      session.version,
      { serverName: this.name, key: this.key },
    );
  }
}
