import { notificationCountsProjection } from '../../projections/notification-counts.js';
import { notificationCounts, notifiedInvitations, notifiedPages } from '../../src/read-models/collections.js';
import { isHighlighted } from '../../src/read-models/notified-events.js';
import type { ReadStore } from '../../src/read-models/store.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import type { JsonObject } from '../../src/protocol/json.js';
import type { PushRule, RuleKind } from '../../src/protocol/push-rules/rules.js';
import { Courtesy } from '../../src/runtime/courtesy.js';
import { notifiedBefore } from '../../src/queries/notified-events.js';
import { SharedPages } from '../../src/queries/shared-pages.js';
import { unreadCounts } from '../../src/queries/unread-counts.js';
import { folded, whereFolded } from '../support/folded.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryLog } from '../support/memory-log.js';
import { alice, bob, carol, person, type Person } from '../support/people.js';
import { RecordedUser } from '../support/recorded-user.js';
import { RecordedRoom } from '../support/records.js';

export { alice, bob, carol };
/** With an account here, as Alice and Bob; Carol is of another server. */
export const olga = person('olga', 'one.example');

/** A public room of Alice, Bob and Carol, whose story goes on. */
export class Chat {
  readonly log = new MemoryLog();
  readonly room: RecordedRoom;
  readonly alice = new RecordedUser(this.log, alice);
  readonly bob = new RecordedUser(this.log, bob);
  readonly olga = new RecordedUser(this.log, olga);

  constructor(version = '11') {
    for (const user of [this.alice, this.bob, this.olga]) user.registers();
    this.room = new RecordedRoom(this.log, version);
    this.room.tell((room) => room.createdBy(alice).joinedBy(bob, carol));
  }

  says(sender: Person, body: string, more: JsonObject = {}): RoomEvent {
    const content = { msgtype: 'm.text', body, ...more };
    return this.room.send({ type: 'm.room.message', sender, content });
  }

  /** A message that is related to another. */
  relates(sender: Person, rel_type: string, to: RoomEvent): RoomEvent {
    return this.says(sender, 'related', { 'm.relates_to': { rel_type, event_id: to.eventId } });
  }

  reads(user: RecordedUser, event: RoomEvent, more: Parameters<RecordedUser['reads']>[3] = {}): void {
    user.reads(this.room.id, event.eventId, this.positionOf(event), more);
  }

  positionOf(event: RoomEvent): number {
    const found = this.log.records.find(
      ({ type, data }) => type === 'room.event.accepted' && data.event_id === event.eventId,
    );
    if (found === undefined) throw new Error('The event is not recorded.');
    return found.position;
  }

  /** What is answered about this room to everybody with an account here; who is not in it has none. */
  async answers(records = this.log.records): Promise<ReadonlyMap<string, Answers>> {
    return whereFolded(notificationCountsProjection, records, async (store) => {
      const found = new Map<string, Answers>();
      for (const { id } of [this.alice, this.bob, this.olga]) {
        const answers = await this.#answers(store, id);
        if (answers !== undefined) found.set(id, answers);
      }
      return found;
    });
  }

  async #answers(store: ReadStore, userId: string): Promise<Answers | undefined> {
    const side = { store, sharedPages: new SharedPages(store, { processed: this.log.head }) };
    const counts = await unreadCounts(side, userId, this.room.id);
    if (counts === undefined) return undefined;
    const { notifications, highlights, threads, changed } = counts;
    const each = [...threads].map(([root, of]) => [root, [of.notifications, of.highlights]] as const);
    const unread = [notifications, highlights, ...(each.length === 0 ? [] : [Object.fromEntries(each)])];
    const listed: Entry[] = [];
    for await (const { roomId, event, isRead } of notifiedBefore(side, userId, undefined, courtesy())) {
      const [position, ordinal, , root = ''] = event;
      if (roomId !== this.room.id || this.#sender(position, ordinal) === userId) continue;
      listed.unshift({
        position,
        ordinal,
        isRead,
        highlight: isHighlighted(event),
        thread_id: root || 'main',
      });
    }
    return { unread, changed, listed };
  }

  #sender(position: number, ordinal: number): string | undefined {
    const accepted = this.log.records.filter(
      ({ type, stream }) => type === 'room.event.accepted' && stream === `room-${this.room.id}`,
    );
    const record = accepted[ordinal - 1];
    if (record?.position !== position || record.type !== 'room.event.accepted') return undefined;
    return String(record.data.event['sender']);
  }

  /** The positions of all that is listed for a user, read or not, from the oldest on. */
  async listed(user: RecordedUser): Promise<number[]> {
    return ((await this.answers()).get(user.id)?.listed ?? []).map(({ position }) => position);
  }

  /** Those of what is unread. */
  async unreadAt(user: RecordedUser): Promise<number[]> {
    const listed = (await this.answers()).get(user.id)?.listed ?? [];
    return listed.filter(({ isRead }) => !isRead).map(({ position }) => position);
  }

  /** All documents about what a user is told of, and has read. */
  async documentsOf({ id }: RecordedUser): Promise<unknown[]> {
    const found = await folded(notificationCountsProjection, this.log.records);
    const all = [
      ...found.of(notificationCounts),
      ...found.of(notifiedPages),
      ...found.of(notifiedInvitations),
    ];
    return all.filter(({ user_id }) => user_id === id);
  }

  /** What is counted for a user in this room, as `[notifications, highlights]`, with threads if there are any. */
  async unread(user: RecordedUser): Promise<unknown> {
    return (await this.answers()).get(user.id)?.unread;
  }

  /** Since when a user's counts are what they are. */
  async changed(user: RecordedUser): Promise<number | undefined> {
    return (await this.answers()).get(user.id)?.changed;
  }
}

/** What a member is answered about a room: what is unread, and all that is listed, oldest first. */
export interface Answers {
  readonly unread: readonly unknown[];
  readonly changed: number;
  readonly listed: readonly Entry[];
}

export interface Entry {
  readonly position: number;
  readonly ordinal: number;
  readonly isRead: boolean;
  readonly highlight: boolean;
  readonly thread_id: string;
}

function courtesy(): Courtesy {
  return new Courtesy(new ManualClock());
}

export function mentions(...people: Person[]): JsonObject {
  return { 'm.mentions': { user_ids: people.map(({ id }) => id) } };
}

/** Push rules as they are recorded: rules of one kind. */
export function rules(kind: RuleKind, ...of: Partial<PushRule>[]): object {
  const full = of.map((rule) => ({ rule_id: 'mine', default: false, enabled: true, actions: [], ...rule }));
  return { rules: { [kind]: full }, changed: [] };
}
