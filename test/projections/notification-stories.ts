import { notificationCountsProjection } from '../../projections/notification-counts.js';
import {
  notificationCounts,
  notifiedPages,
  type NotificationCount,
  type NotifiedEvent,
} from '../../src/read-models/collections.js';
import { isHighlighted, isRead } from '../../src/read-models/notified-events.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import type { JsonObject } from '../../src/protocol/json.js';
import type { PushRule, RuleKind } from '../../src/protocol/push-rules/rules.js';
import { folded } from '../support/folded.js';
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

  /** The counts, and all events that are listed as unread, by user and from the oldest on. */
  async documents(): Promise<{ counts: NotificationCount[]; entries: Entry[] }> {
    const found = await folded(notificationCountsProjection, this.log.records);
    const counts = found.of(notificationCounts);
    const lists = [
      ...found.of(notifiedPages),
      ...counts.map(({ user_id, recent }) => ({ user_id, events: recent })),
    ];
    return {
      counts,
      entries: lists.flatMap(({ user_id, events }) =>
        events.filter((event) => !isRead(event)).map((event) => entry(user_id, event)),
      ),
    };
  }

  /** The positions of all that is listed for a user, read or not, from the oldest on. */
  async listed(user: RecordedUser): Promise<number[]> {
    const found = await folded(notificationCountsProjection, this.log.records);
    const own = <D extends { user_id: string }>(documents: readonly D[]) =>
      documents.filter(({ user_id }) => user_id === user.id);
    const pages = own(found.of(notifiedPages)).flatMap(({ events }) => events);
    const recent = own(found.of(notificationCounts)).flatMap((counts) => counts.recent);
    return [...pages, ...recent].map(([position]) => position);
  }

  /** What is counted for a user in this room, as `[notifications, highlights]`, with threads if there are any. */
  async unread(user: RecordedUser): Promise<unknown> {
    const { counts } = await this.documents();
    const found = counts.find(({ user_id, room_id }) => user_id === user.id && room_id === this.room.id);
    if (found === undefined) return undefined;
    const { notifications, highlights, threads } = found;
    if (threads === undefined) return [notifications, highlights];
    const each = Object.entries(threads).map(
      ([root, of]) => [root, [of.notifications, of.highlights]] as const,
    );
    return [notifications, highlights, Object.fromEntries(each)];
  }
}

export interface Entry {
  readonly user_id: string;
  readonly position: number;
  readonly highlight: boolean;
  readonly thread_id: string;
}

function entry(user_id: string, event: NotifiedEvent): Entry {
  const [position, , , root = ''] = event;
  return { user_id, position, highlight: isHighlighted(event), thread_id: root || 'main' };
}

export function mentions(...people: Person[]): JsonObject {
  return { 'm.mentions': { user_ids: people.map(({ id }) => id) } };
}

/** Push rules as they are recorded: rules of one kind. */
export function rules(kind: RuleKind, ...of: Partial<PushRule>[]): object {
  const full = of.map((rule) => ({ rule_id: 'mine', default: false, enabled: true, actions: [], ...rule }));
  return { rules: { [kind]: full }, changed: [] };
}
