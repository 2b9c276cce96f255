import { JsonAnswer } from './answer.js';
import type { ReadSide } from '../read-side.js';
import { printToken, type SyncToken } from '../tokens.js';
import { accountDataByRoom, accountDataEvents, ignoredUsers } from './account-data-part.js';
import { LazyMembers } from './lazy-members.js';
import { Nap } from './nap.js';
import { Peeks } from './peeks-part.js';
import { presencePart } from './presence-part.js';
import type { SyncPass, SyncRequest } from './request.js';
import type { RoomActivity } from './room-activity.js';
import { roomsPart, type RoomsPart } from './rooms-part.js';
import { toDevicePart, type ToDevicePart } from './to-device-part.js';

/** The longest a poll is held, whatever the client asks for, in milliseconds. */
const LONGEST_WAIT = 5 * 60_000;

/**
 * `GET /sync` (Client-Server API, Syncing). A token is a position in the log with a counter for what is not
 * recorded. A poll sleeps until something concerns its user or rooms, looks, and sleeps on if that was nothing that
 * the filter wants.
 */
export class Sync {
  readonly #side: ReadSide;
  readonly #lazyMembers = new LazyMembers();
  readonly #activity: RoomActivity;
  readonly #peeks: Peeks;

  constructor(side: ReadSide, activity: RoomActivity) {
    this.#side = side;
    this.#activity = activity;
    this.#peeks = new Peeks(side.store, side.notifier);
  }

  /** The answer as JSON text. */
  async answer(request: SyncRequest): Promise<string> {
    const side = this.#side;
    const { viewer } = request;
    side.presence.synced(viewer.userId, request.setPresence);
    // A token of another epoch is of a history that is not ours: the client begins afresh, and nothing is wrong.
    const since = request.since?.epoch === side.epoch ? request.since : undefined;
    const deadline = side.clock.monotonic() + Math.min(request.timeout, LONGEST_WAIT);
    for (;;) {
      // Listening begins before looking, so that what happens in between is not missed.
      const peeked = (await this.#peeks.of(viewer)).map(({ room_id: roomId }) => roomId);
      const nap = new Nap(side, viewer.userId, new Set(peeked));
      try {
        const answer = await this.#look(request, since);
        const left = deadline - side.clock.monotonic();
        if (
          since === undefined ||
          request.fullState ||
          !answer.isEmpty ||
          left <= 0 ||
          request.signal.aborted
        ) {
          return answer.text;
        }
        if (await nap.until(left, request.signal)) continue;
        return (await this.#look(request, since)).text;
      } finally {
        nap.end();
      }
    }
  }

  async #look(request: SyncRequest, since: SyncToken | undefined): Promise<JsonAnswer> {
    const side = this.#side;
    const { viewer, filter } = request;
    // The counter first: what changes meanwhile is then told again rather than lost.
    const ephemeral = side.counter.value;
    const to = { position: side.positions.processed, ephemeral, epoch: side.epoch };
    const pass: SyncPass = {
      viewer,
      filter,
      since: since === undefined ? undefined : notBeyond(since, to),
      isAfresh: since === undefined && request.since !== undefined,
      to,
      fullState: request.fullState,
      stateAfter: request.stateAfter,
      rooms: await side.joinedRooms.of(viewer.userId),
      peeks: await this.#peeks.of(viewer),
      ignored: await ignoredUsers(side, viewer.userId),
      now: side.clock.now(),
    };
    const accountData = await accountDataByRoom(side, pass);
    const rooms = await roomsPart(
      side,
      pass,
      { lazyMembers: this.#lazyMembers, activity: this.#activity },
      accountData,
    );
    const presence = await presencePart(side, pass, rooms);
    const own = accountDataEvents(accountData.get(''), filter.accountData, viewer.userId);
    return answerOf(to, rooms, presence, own, await toDevicePart(side, pass));
  }
}

/** A token whose counter is higher than ours counts by another start: everything is news to it. */
function notBeyond(since: SyncToken, to: SyncToken): SyncToken {
  return {
    ...since,
    position: Math.min(since.position, to.position),
    ephemeral: since.ephemeral > to.ephemeral ? 0 : since.ephemeral,
  };
}

function answerOf(
  to: SyncToken,
  rooms: RoomsPart,
  presence: readonly string[],
  accountData: readonly string[],
  toDevice: ToDevicePart,
): JsonAnswer {
  const { upTo, messages } = toDevice;
  const answer = new JsonAnswer(printToken(upTo === undefined ? to : { ...to, toDevice: upTo }));
  answer.events('to_device', messages);
  answer.events('account_data', accountData);
  answer.events('presence', presence);
  answer.rooms(rooms);
  return answer;
}
