import { ABSENT_ALIAS, evolveAlias, type Alias } from './aggregates/alias.js';
import { EMPTY_INBOX, evolveInbox, type Inbox } from './aggregates/inbox.js';
import {
  evolveRegistrationToken,
  NEW_TOKEN,
  type RegistrationToken,
} from './aggregates/registration-token.js';
import { ABSENT_USER, evolveUser, userStream, type User } from './aggregates/user.js';
import { FoldedStreams } from './folded-streams.js';
import { CommandHandler } from './handle.js';
import { UNLIMITED, type AccountLimits } from './limits.js';
import { Rooms } from './room/rooms.js';
import type { RoomPorts, RoomSession } from './room/room-session.js';
import type { NewRecord } from '../log/log.js';

/** What of a profile goes into membership events. */
export interface MemberProfile {
  readonly displayname?: string;
  readonly avatar_url?: string;
}

/** Everything that commands are decided with: a handler per kind of stream, and the ports. */
export interface WriteSide {
  readonly ports: RoomPorts;
  readonly limits: AccountLimits;
  readonly roomAggregate: Rooms;
  readonly rooms: CommandHandler<RoomSession>;
  readonly users: CommandHandler<User>;
  readonly aliases: CommandHandler<Alias>;
  readonly registrationTokens: CommandHandler<RegistrationToken>;
  /** What was sent to users' devices. */
  readonly inboxes: CommandHandler<Inbox>;
  /** Streams of which only the end matters: receipts, cursors. */
  readonly others: CommandHandler<object>;
  /** The account as it is now. */
  user(userId: string): Promise<User>;
  /** What a member event of this user carries; nothing for a user of another server. */
  profile(userId: string): Promise<MemberProfile>;
}

/** Each has some kilobytes of requests that it remembers. */
const MOST_INBOXES = 2000;

export function openWriteSide(ports: RoomPorts, limits: AccountLimits = UNLIMITED): WriteSide {
  const roomAggregate = new Rooms(ports);
  const userStreams = new FoldedStreams<User>(ports.log, ABSENT_USER, evolveUser);
  const user = async (userId: string) => {
    const stream = userStream(userId);
    const { state, revision } = await userStreams.load(stream);
    if (ports.shared !== true || (await ports.log.revision(stream)) === revision) return state;
    userStreams.evict(stream);
    return (await userStreams.load(stream)).state;
  };
  return {
    ports,
    limits,
    roomAggregate,
    rooms: new CommandHandler(ports, roomAggregate),
    users: new CommandHandler(ports, userStreams),
    aliases: new CommandHandler(ports, new FoldedStreams<Alias>(ports.log, ABSENT_ALIAS, evolveAlias)),
    registrationTokens: new CommandHandler(
      ports,
      new FoldedStreams<RegistrationToken>(ports.log, NEW_TOKEN, evolveRegistrationToken),
    ),
    inboxes: new CommandHandler(
      ports,
      new FoldedStreams<Inbox>(ports.log, EMPTY_INBOX, evolveInbox, MOST_INBOXES),
    ),
    others: new CommandHandler(ports, new StreamEnds(ports)),
    user,
    async profile(userId) {
      const account = await user(userId);
      if (account.kind !== 'active') return {};
      const { displayname, avatar_url } = account.profile;
      return {
        ...(typeof displayname === 'string' ? { displayname } : {}),
        ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
      };
    },
  };
}

/** Streams that are written without looking at what they hold. */
class StreamEnds {
  readonly #ports: RoomPorts;

  constructor(ports: RoomPorts) {
    this.#ports = ports;
  }

  async load(stream: string): Promise<{ state: object; revision: number }> {
    return { state: {}, revision: await this.#ports.log.revision(stream) };
  }

  evolve(state: object, _record: NewRecord): object {
    return state;
  }

  committed(): void {
    // Nothing is kept.
  }

  evict(): void {
    // Nothing is kept.
  }
}
