import type { WriteSide } from '../commands/write-side.js';
import { EphemeralCounter } from '../ephemeral/counter.js';
import { PresenceBoard, type PresenceChange } from '../ephemeral/presence.js';
import { ephemeralStream } from '../ephemeral/streams.js';
import { Typing, type TypingChange } from '../ephemeral/typing.js';
import type { LoggedRecord } from '../log/log.js';
import type { RecordBody } from '../log/records.js';
import type { Loggers } from '../logger.js';
import { uuid } from '../runtime/random.js';

/** Typing and presence, and what other processes tell of them. */
export interface Ephemera {
  readonly counter: EphemeralCounter;
  readonly typing: Typing;
  readonly presence: PresenceBoard;
  /** Takes in what the log says of them. */
  take(records: readonly LoggedRecord[]): void;
}

/** In memory: for a process that is alone. */
export function ownEphemera({ ports }: Pick<WriteSide, 'ports'>): Ephemera {
  const counter = new EphemeralCounter(ports.clock.now());
  return {
    counter,
    typing: new Typing(ports.clock, counter),
    presence: new PresenceBoard(ports.clock, counter),
    take: () => undefined,
  };
}

/** Seconds for which what was told stays: whoever has not read it by then need not. */
const KEPT_SECONDS = 300;

/**
 * For one process of several: a change goes through a stream of this process's own, which every process reads, this
 * one too, and which soon forgets. What cannot be told because the log is away is lost, as it would be a moment later.
 */
export function sharedEphemera(write: WriteSide, loggers: Loggers): Ephemera {
  const { clock, log, random } = write.ports;
  const stream = ephemeralStream(uuid(random));
  const counter = new EphemeralCounter(log.head);
  let ready: Promise<void> | undefined;
  const tell = (record: RecordBody): void => {
    ready ??= log.setRetention(stream, { maxAge: KEPT_SECONDS });
    const context = { correlationId: 'ephemeral', now: clock.now() };
    ready
      .then(() => write.others.handle(stream, context, () => ({ records: [record], result: undefined })))
      .catch((err: unknown) => {
        ready = undefined;
        loggers.commands.warn({ err }, 'Typing or presence could not be told to other processes.');
      });
  };
  const typing = new Typing(clock, counter, (change) => {
    tell(typingRecord(change));
  });
  const presence = new PresenceBoard(clock, counter, (change) => {
    tell(presenceRecord(change));
  });
  return {
    counter,
    typing,
    presence,
    take(records) {
      for (const record of records) {
        if (record.type === 'typing.changed') {
          const { room_id: roomId, user_id: userId, typing: isTyping } = record.data;
          typing.apply({ roomId, userId, typing: isTyping }, record.position);
        } else if (record.type === 'presence.changed') {
          presence.apply(presenceOf(record.data), record.position);
        }
      }
    },
  };
}

type PresenceData = Extract<RecordBody, { type: 'presence.changed' }>['data'];

function typingRecord({ roomId, userId, typing }: TypingChange): RecordBody {
  return { type: 'typing.changed', version: 1, data: { room_id: roomId, user_id: userId, typing } };
}

function presenceRecord({ userId, presence }: PresenceChange): RecordBody {
  const { state, currentlyActive, lastActiveAt, statusMessage } = presence;
  return {
    type: 'presence.changed',
    version: 1,
    data: {
      user_id: userId,
      state,
      currently_active: currentlyActive,
      ...(lastActiveAt === undefined ? {} : { last_active_at: lastActiveAt }),
      ...(statusMessage === undefined ? {} : { status_message: statusMessage }),
    },
  };
}

function presenceOf(data: PresenceData): PresenceChange {
  return {
    userId: data.user_id,
    presence: {
      state: data.state,
      currentlyActive: data.currently_active,
      lastActiveAt: data.last_active_at,
      statusMessage: data.status_message,
    },
  };
}
