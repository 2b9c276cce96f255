import { clientFormat } from '../../projections/client-event.js';
import { recordedEvent } from '../../projections/recorded-event.js';
import type { LoggedRecord } from '../../src/log/log.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { compileRuleset, evaluatePushRules } from '../../src/protocol/push-rules/evaluate.js';
import { NO_USER_RULES, type UserRules } from '../../src/protocol/push-rules/rules.js';
import type { Answers, Entry } from './notification-stories.js';

type Member = { displayName: string | undefined; entries: Entry[]; changed: number };
interface Settings {
  readonly rules: UserRules;
  readonly ignored: ReadonlySet<string>;
}

const NO_SETTINGS: Settings = { rules: NO_USER_RULES, ignored: new Set() };
const CREATOR_LEVEL = 100;

/**
 * What members are answered about a room, as one would work it out who has all the time there is: every event is judged
 * for every member and listed for each whom it notifies, and has a flag there that says whether it was read. Of rooms
 * without power levels, in short histories.
 */
export class NotificationModel {
  readonly #members = new Map<string, Member>();
  readonly #settings = new Map<string, Settings>();
  readonly #joined = new Set<string>();
  readonly #threads = new Map<string, string>();
  readonly #ordinals = new Map<string, number>();
  #creator = '';

  constructor(records: readonly LoggedRecord[]) {
    for (const record of records) {
      const before = new Map([...this.#members].map(([id, { entries }]) => [id, unread(entries)]));
      this.#take(record);
      for (const [id, member] of this.#members) {
        if (before.get(id) !== unread(member.entries)) member.changed = record.position;
      }
    }
  }

  answers(): ReadonlyMap<string, Answers> {
    return new Map(
      [...this.#members].map(([id, { entries, changed }]) => {
        const open = entries.filter(({ isRead }) => !isRead);
        const roots = new Set(open.map(({ thread_id }) => thread_id).filter((root) => root !== 'main'));
        const each = [...roots].map(
          (root) => [root, counts(open.filter((one) => one.thread_id === root))] as const,
        );
        const told: unknown[] = [...counts(open), ...(each.length === 0 ? [] : [Object.fromEntries(each)])];
        return [id, { unread: told, changed, listed: entries }];
      }),
    );
  }

  #take(record: LoggedRecord): void {
    if (record.type === 'user.registered') this.#settings.set(record.data.user_id, NO_SETTINGS);
    else if (record.type === 'account_data.changed')
      this.#set(record.stream.slice('user-'.length), record.data);
    else if (record.type === 'receipt.posted') {
      const { thread_id: thread, event_position: upTo } = record.data;
      this.#read(
        record.stream.slice('receipts-'.length),
        (entry) => entry.position <= (upTo ?? -1) && (thread === null || thread === entry.thread_id),
      );
    } else if (record.type === 'room.event.accepted') {
      this.#event(record);
      const target = record.data.redaction?.applied === true ? record.data.redaction.target : '';
      const gone = this.#ordinals.get(target);
      for (const member of this.#members.values()) {
        member.entries = member.entries.filter(({ ordinal }) => ordinal !== gone);
      }
      for (const { type, state_key: user } of record.data.current?.delta ?? []) {
        if (type === 'm.room.member') this.#move(user, recordedEvent(record).event.content, record.position);
      }
    }
  }

  #event(record: LoggedRecord & { type: 'room.event.accepted' }): void {
    const { event } = recordedEvent(record);
    const { sender, type, content, eventId, stateKey } = event;
    if (type === 'm.room.create') this.#creator = sender;
    const ordinal = this.#ordinals.size + 1;
    this.#ordinals.set(eventId, ordinal);
    const relation = content['m.relates_to'] as { rel_type: string; event_id: string } | undefined;
    const isThreaded = relation?.rel_type === 'm.thread';
    const thread_id = isThreaded ? relation.event_id : this.#threads.get(relation?.event_id ?? '');
    if (thread_id !== undefined) this.#threads.set(eventId, thread_id);
    const thread = thread_id ?? 'main';
    if (type !== 'm.room.member') this.#read(sender, (entry) => entry.thread_id === thread);
    for (const [userId, { displayName, entries }] of this.#members) {
      const { rules, ignored } = this.#settings.get(userId) ?? NO_SETTINGS;
      if (sender === userId || (stateKey === undefined && ignored.has(sender))) continue;
      const { notify, highlight } = evaluatePushRules(compileRuleset(rules), clientFormat(event), {
        userId,
        displayName,
        memberCount: this.#joined.size,
        senderLevel: sender === this.#creator ? CREATOR_LEVEL : 0,
        notificationLevel: () => 50,
      });
      if (notify) {
        const { position } = record;
        entries.push({ position, ordinal, isRead: false, highlight, thread_id: thread });
      }
    }
  }

  #move(user: string, { membership, displayname }: JsonObject, position: number): void {
    if (membership !== 'join') {
      this.#joined.delete(user);
      this.#members.delete(user);
      return;
    }
    this.#joined.add(user);
    if (!this.#settings.has(user)) return;
    const member = this.#members.get(user) ?? { displayName: undefined, entries: [], changed: position };
    this.#members.set(user, member);
    member.displayName = typeof displayname === 'string' ? displayname : undefined;
  }

  #read(user: string, isMeant: (entry: Entry) => boolean): void {
    const member = this.#members.get(user);
    if (member === undefined) return;
    member.entries = member.entries.map((entry) => (isMeant(entry) ? { ...entry, isRead: true } : entry));
  }

  #set(user: string, data: { type: string; content?: unknown }): void {
    const before = this.#settings.get(user) ?? NO_SETTINGS;
    const content = data.content as { ignored_users?: object } | undefined;
    if (data.type === 'm.ignored_user_list') {
      this.#settings.set(user, { ...before, ignored: new Set(Object.keys(content?.ignored_users ?? {})) });
    } else {
      this.#settings.set(user, { ...before, rules: (content as UserRules | undefined) ?? NO_USER_RULES });
    }
  }
}

function counts(entries: readonly Entry[]): [number, number] {
  return [entries.length, entries.filter(({ highlight }) => highlight).length];
}

function unread(entries: readonly Entry[]): string {
  return JSON.stringify(entries.filter(({ isRead }) => !isRead));
}
