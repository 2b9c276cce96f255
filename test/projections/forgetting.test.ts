import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold, Lane } from '../../projections/fold.js';
import { PROJECTIONS } from '../../projections/index.js';
import type { LoggedRecord } from '../../src/log/log.js';
import { START } from '../../src/log/position.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import { temporaryFolder } from '../support/folder.js';
import { afterForgetting, forgetsAccount, forgetsEvents } from '../support/forgetting.js';
import { MemoryLog } from '../support/memory-log.js';
import { alice, bob, carol, dave, erin, person, type Person } from '../support/people.js';
import { dumpAll } from '../support/projections.js';
import { RecordedUser } from '../support/recorded-user.js';
import { RecordedRoom } from '../support/records.js';
import { mentions, rules } from './notification-stories.js';

const olga = person('olga', 'one.example');
const PEOPLE = [alice, bob, carol, olga];
const OURS = [alice, bob, olga];
const HIGHLIGHT = ['notify', { set_tweak: 'highlight' }];

/** What anybody may do next; numbers choose among what there is. */
const DOING = [
  ...['say', 'notice', 'notice', 'mention', 'name', 'name', 'everybody', 'everybody'],
  ...['thread', 'thread', 'thread', 'relate', 'relate'],
  ...['rename', 'state', 'levels', 'ask', 'knock', 'leave', 'come', 'read', 'read', 'data', 'outlier'],
  ...['redact', 'redact', 'redact', 'redact', 'regret', 'forget', 'forget', 'forget', 'erase', 'close'],
] as const;
type Step = readonly [what: (typeof DOING)[number], who: number, which: number];
const steps: fc.Arbitrary<Step[]> = fc.array(
  // Who has no account here says most: whoever says something has read what was before.
  fc.tuple(fc.constantFrom(...DOING), fc.constantFrom(2, 2, 2, 2, 0, 1, 1, 3), fc.nat(200)),
  { minLength: 30, maxLength: 90, size: 'max' },
);

/** A room of some people, in which things are said, regretted and forgotten. */
class Story {
  readonly log = new MemoryLog();
  readonly room: RecordedRoom;
  readonly #users = new Map(OURS.map((one) => [one.id, new RecordedUser(this.log, one)]));
  readonly #closed = new Set<string>();
  readonly #said: RoomEvent[] = [];
  readonly #redacted: RoomEvent[] = [];
  /** Seen before they were part of the room. */
  readonly #outliers: RoomEvent[] = [];

  constructor(version: string) {
    for (const user of this.#users.values()) user.registers();
    this.room = new RecordedRoom(this.log, version, `story${version}`);
    this.room.tell((room) => room.createdBy(alice).joinedBy(bob, carol, olga).powerLevels(LEVELS));
    this.#keep();
    this.#says(bob, { body: 'Hello' });
  }

  take([what, who, which]: Step): void {
    const one = PEOPLE[who] ?? alice;
    const target = this.#said[which % this.#said.length];
    if (target === undefined) throw new Error('Nothing was said.');
    const relation = (rel_type: string) => ({ 'm.relates_to': { rel_type, event_id: target.eventId } });
    switch (what) {
      case 'say':
        this.#says(one, { body: `${which}`, ...(which % 5 === 0 ? { url: 'mxc://a/b' } : {}) });
        return;
      case 'notice':
        this.#says(one, { body: 'beep', msgtype: 'm.notice' });
        return;
      case 'mention':
        this.#says(one, { body: 'you', ...mentions(alice, bob) });
        return;
      case 'name':
        this.#says(one, { body: `Name${which % 4}, is that you?` });
        return;
      case 'everybody':
        this.#says(one, { body: 'all', 'm.mentions': { room: true } });
        return;
      case 'thread':
        this.#says(one, {
          body: 'in a thread',
          ...(which % 3 === 0 ? mentions(bob) : {}),
          ...relation('m.thread'),
        });
        return;
      case 'relate':
        this.#says(one, { body: '*', ...relation(which % 2 === 0 ? 'm.reference' : 'm.replace') });
        return;
      case 'rename':
        this.#member(one, one, 'join', { displayname: `Name${which % 4}`, avatar_url: 'mxc://a/b' });
        return;
      case 'state':
        this.room.tell((room) =>
          room.setState(alice, STATE[which % STATE.length] ?? '', stateContent(which)),
        );
        this.#keep();
        return;
      case 'levels':
        this.room.tell((room) => room.powerLevels({ ...LEVELS, notifications: { room: which % 60 } }));
        this.#keep();
        return;
      case 'ask':
        this.#member(one, [dave, erin][which % 2] ?? dave, 'invite', { reason: 'Come!', displayname: 'D' });
        return;
      case 'knock':
        this.#member([dave, erin][which % 2] ?? dave, [dave, erin][which % 2] ?? dave, 'knock', {
          reason: 'Hi',
        });
        return;
      case 'leave':
        this.#member(one, one, 'leave', { reason: 'Bye' });
        return;
      case 'come':
        this.#member(one, one, 'join', { displayname: `Name${which % 4}` });
        return;
      case 'read':
        this.#reads(one, target, which);
        return;
      case 'data':
        this.#sets(one, which);
        return;
      case 'outlier':
        this.#outlier(which);
        return;
      case 'redact':
        this.#redacted.push(target);
        this.#said.push(this.room.redact(one, target, { reason: `reason ${which}` }));
        return;
      case 'regret': {
        // A redaction is redacted.
        const redaction = this.#said.findLast(({ type }) => type === 'm.room.redaction');
        if (redaction === undefined) return;
        this.#redacted.push(redaction);
        this.room.redact(alice, redaction, { reason: 'again' });
        return;
      }
      case 'forget': {
        const some = this.#redacted.splice(which % 3, 1 + (which % 4));
        if (some.length > 0)
          forgetsEvents(
            this.log,
            some.map(({ eventId }) => eventId),
          );
        return;
      }
      case 'erase':
        // Some of what an account sent, without any redaction, at any time.
        this.#erase(this.#said.filter(({ sender }, i) => sender === one.id && i % 3 !== which % 3));
        return;
      case 'close':
        this.#close(one);
    }
  }

  /** Everything that was redacted in the end. */
  end(): void {
    if (this.#redacted.length > 0)
      forgetsEvents(
        this.log,
        this.#redacted.map(({ eventId }) => eventId),
      );
    this.#says(carol, { body: 'Still there?', 'm.mentions': { room: true } });
  }

  #says(sender: Person, content: JsonObject): void {
    this.#said.push(
      this.room.send({ type: 'm.room.message', sender, content: { msgtype: 'm.text', ...content } }),
    );
  }

  #member(sender: Person, target: Person, membership: string, more: JsonObject): void {
    if (this.#closed.has(target.id)) return;
    this.room.tell((room) => room.membership(sender, target, membership, more));
    this.#keep();
  }

  #keep(): void {
    this.#said.push(this.room.room.last);
  }

  #reads(one: Person, target: RoomEvent, which: number): void {
    if (this.#closed.has(one.id)) return;
    const position = this.log.records.find(
      ({ data }) => 'event_id' in data && data.event_id === target.eventId,
    )?.position;
    const thread_id = [null, 'main', this.#said[which % 7]?.eventId ?? null][which % 3] ?? null;
    this.#users.get(one.id)?.reads(this.room.id, target.eventId, position ?? null, { thread_id });
  }

  #sets(one: Person, which: number): void {
    const user = this.#closed.has(one.id) ? undefined : this.#users.get(one.id);
    const byName = { conditions: [{ kind: 'contains_display_name' }], actions: HIGHLIGHT };
    if (which % 4 === 0) user?.setsData('m.push_rules', rules('override', byName));
    else if (which % 4 === 1)
      user?.setsData('m.push_rules', rules('content', { pattern: '*', actions: HIGHLIGHT }));
    else if (which % 4 === 2) user?.setsProfile({ displayname: `Name${which % 4}` });
    else user?.setsData('m.ignored_user_list', { ignored_users: { [carol.id]: {} } });
  }

  #outlier(which: number): void {
    const known = this.#outliers.pop();
    if (known !== undefined && which % 2 === 0) {
      this.room.tell((room) => room.add(known));
      this.#keep();
      return;
    }
    const content = { topic: `outside ${which}` };
    const event = this.room.room.event({ type: 'm.room.topic', sender: alice, stateKey: '', content });
    if (which % 3 === 0) this.room.softFail(event);
    else this.room.outlier(event);
    this.#outliers.push(event);
  }

  #erase(events: readonly RoomEvent[]): void {
    const ids = events.filter(({ type }) => !KEPT.has(type)).map(({ eventId }) => eventId);
    if (ids.length > 0) forgetsEvents(this.log, ids, 'erased');
  }

  #close(one: Person): void {
    const user = this.#users.get(one.id);
    if (user === undefined || this.#closed.has(one.id)) return;
    user.deactivates(true);
    this.#closed.add(one.id);
    this.room.tell((room) => room.leftBy(one));
    forgetsAccount(this.log, one.id);
    this.#erase(this.#said.filter(({ sender }) => sender === one.id));
  }
}

const LEVELS = { users: { [alice.id]: 100 }, notifications: { room: 20 } };
const STATE = ['m.room.name', 'm.room.topic', 'm.room.avatar', 'm.room.join_rules', 'm.room.guest_access'];
/** What erasing an account leaves as it is. */
const KEPT = new Set(['m.room.power_levels', 'm.room.join_rules', 'm.room.guest_access', 'm.room.create']);

function stateContent(which: number): JsonObject {
  const text = `text ${which}`;
  return { name: text, topic: text, url: `mxc://a/${which}`, join_rule: 'knock', guest_access: 'can_join' };
}

/** All documents that the records make, in batches of sizes that take turns. */
async function made(records: readonly LoggedRecord[], sizes: readonly number[]): Promise<string[][]> {
  const folder = temporaryFolder();
  const store = openLmdbReadStore(folder.path);
  try {
    const lanes = PROJECTIONS.map((projection) => new Lane(projection, START));
    for (let at = 0, turn = 0; at < records.length; turn++) {
      const batch = records.slice(at, (at += sizes[turn % sizes.length] ?? 1));
      const slice = { records: batch, position: batch.at(-1)?.position ?? START };
      await fold(store, 'epoch', lanes, slice, (_, __, error) => {
        throw error;
      });
    }
    return await dumpAll(store, PROJECTIONS);
  } finally {
    await store.close();
    folder.remove();
  }
}

test.each(['1', '10', '12'])(
  'in rooms of version %s, who knew what was forgotten and who never did have the same documents',
  async (version) => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });
    const gone = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(steps, sizes, sizes, gone, async (story, some, others, isGone) => {
        const told = new Story(version);
        for (const step of story) told.take(step);
        told.end();
        const { records } = told.log;
        const knew = await made(records, some);
        expect(await made(afterForgetting(records), others)).toEqual(knew);
        // Keys are destroyed one after the other, while read models are being built.
        const between = afterForgetting(records, (fact) => isGone[fact % isGone.length] === true);
        expect(await made(between, some)).toEqual(knew);
      }),
      { numRuns: 25 },
    );
  },
  120_000,
);
