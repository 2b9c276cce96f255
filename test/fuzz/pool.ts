import type { Dice } from './dice.js';

/** What a name of a parameter or field stands for. */
const KINDS: readonly [pattern: RegExp, kind: string][] = [
  [/^(room_?id|replacement_room|room|!)/i, 'room'],
  [/^(room_?id_?or_?alias)/i, 'room'],
  [/alias/i, 'alias'],
  [/event_?id|redacts|thread_?id|root|since_event/i, 'event'],
  [/user_?id|sender|creator|users?$|state_?key/i, 'user'],
  [/device/i, 'device'],
  [/filter/i, 'filter'],
  [/^(from|to|since|at|next_batch|prev_batch|start|end)$/i, 'token'],
  [/session/i, 'session'],
  [/refresh/i, 'refresh'],
  [/rule_?id/i, 'rule'],
  [/(event_?)?type/i, 'type'],
  [/membership/i, 'membership'],
  [/version/i, 'version'],
  [/txn|transaction/i, 'transaction'],
  [/kind/i, 'kind'],
  [/preset/i, 'preset'],
  [/password/i, 'password'],
  [/key_?name/i, 'field'],
];

/** How many of a kind are remembered: the newest, so that a long run grows no larger. */
const MOST_OF_A_KIND = 40;

const FIXED: Readonly<Record<string, readonly string[]>> = {
  type: [
    'm.room.message',
    'm.room.member',
    'm.room.power_levels',
    'm.room.name',
    'm.room.join_rules',
    'm.room.redaction',
    'm.reaction',
    'm.tag',
    'm.direct',
    'm.push_rules',
    'm.ignored_user_list',
    'm.room.canonical_alias',
    'm.room.server_acl',
    'm.room.history_visibility',
    'm.room.tombstone',
    'm.space.child',
    'org.example',
    'm.login.dummy',
    'm.login.password',
    'm.id.user',
  ],
  membership: ['join', 'leave', 'invite', 'ban', 'knock'],
  version: ['1', '6', '10', '11', '12', '13', 'x'],
  transaction: ['1', '2', '3', '4', '5'],
  kind: ['override', 'underride', 'sender', 'room', 'content', 'guest', 'user'],
  preset: ['private_chat', 'public_chat', 'trusted_private_chat'],
  field: ['displayname', 'avatar_url', 'm.tz', 'org.example'],
  filter: ['{}', '{"room":{"timeline":{"limit":1}}}', '{"types":["m.room.message"]}'],
  token: ['s0_0_x'],
  rule: ['.m.rule.master', '.m.rule.message', 'own'],
};

/** Things that requests can be about: those that answers have named, and some that there are in every server. */
export class Pool {
  readonly #dice: Dice;
  readonly #known = new Map<string, string[]>();

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  add(kind: string, value: string): void {
    const known = this.#known.get(kind) ?? [];
    if (known.includes(value)) return;
    known.push(value);
    if (known.length > MOST_OF_A_KIND) known.shift();
    this.#known.set(kind, known);
  }

  /** Something of the kind that the name stands for; nothing where it stands for none, or there is none yet. */
  find(name: string): string | undefined {
    const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1];
    if (kind === undefined) return undefined;
    const all = [...(this.#known.get(kind) ?? []), ...(FIXED[kind] ?? [])];
    return all.length === 0 ? undefined : this.#dice.pick(all);
  }

  /** Remembers what an answer names. */
  learn(body: unknown, depth = 0): void {
    if (typeof body !== 'object' || body === null || depth > 6) return;
    for (const [name, value] of Object.entries(body).slice(0, 50)) {
      if (typeof value === 'string' && value.length < 300) this.#learnText(name, value);
      else this.learn(value, depth + 1);
    }
  }

  #learnText(name: string, value: string): void {
    const kinds: Readonly<Record<string, string>> = { '!': 'room', $: 'event', '#': 'alias', '@': 'user' };
    const bySigil = kinds[value.charAt(0)];
    if (bySigil !== undefined) this.add(bySigil, value);
    else if (/^(next_batch|prev_batch|start|end|from)$/.test(name)) this.add('token', value);
    else if (name === 'filter_id') this.add('filter', value);
    else if (name === 'session') this.add('session', value);
    else if (name === 'device_id') this.add('device', value);
    else if (name === 'refresh_token') this.add('refresh', value);
  }
}
