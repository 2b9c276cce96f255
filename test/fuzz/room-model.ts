import type { Dice } from './dice.js';

export type Membership = 'join' | 'invite' | 'leave' | 'ban' | 'knock';

/** What somebody does in a room. */
export type Action =
  | { readonly does: 'send'; readonly by: string; readonly body: string }
  | { readonly does: 'redact'; readonly by: string; readonly message: number }
  | { readonly does: 'name'; readonly by: string; readonly name: string }
  | { readonly does: 'join' | 'leave' | 'knock'; readonly by: string }
  | { readonly does: 'invite' | 'kick' | 'ban' | 'unban'; readonly by: string; readonly whom: string }
  | { readonly does: 'join rule'; readonly by: string; readonly rule: 'public' | 'invite' | 'knock' }
  | { readonly does: 'power'; readonly by: string; readonly whom: string; readonly level: number };

interface Message {
  readonly by: string;
  readonly body: string;
  readonly redacted: boolean;
}

/**
 * A room as a person would describe it: who is what in it, who may do what, what was said. It knows the rules of the
 * specification in a page (room versions 7 and up, history for all who have joined), and nothing of events.
 */
export class RoomModel {
  readonly creator: string;
  /** Versions 12 and up: nobody is above creators, and their level cannot be set. */
  readonly creatorsAreAbove: boolean;
  readonly members = new Map<string, Membership>();
  readonly users = new Map<string, number>();
  readonly messages: Message[] = [];
  joinRule: string;
  inviteLevel: number;
  name: string | undefined;

  constructor(creator: string, version: string, preset: 'public_chat' | 'private_chat') {
    this.creator = creator;
    this.creatorsAreAbove = version === '12';
    this.members.set(creator, 'join');
    if (!this.creatorsAreAbove) this.users.set(creator, 100);
    this.joinRule = preset === 'public_chat' ? 'public' : 'invite';
    this.inviteLevel = preset === 'public_chat' ? 50 : 0;
  }

  level(user: string): number {
    if (this.creatorsAreAbove && user === this.creator) return Infinity;
    return this.users.get(user) ?? 0;
  }

  isIn(user: string): boolean {
    return this.members.get(user) === 'join';
  }

  /** Whether the server should let somebody do something; then it is done here too. */
  act(action: Action): boolean {
    const allowed = this.#mayDo(action);
    if (allowed) this.#do(action);
    return allowed;
  }

  #mayDo(action: Action): boolean {
    const { by } = action;
    const own = this.members.get(by);
    const hasPower = (needed: number) => own === 'join' && this.level(by) >= needed;
    switch (action.does) {
      case 'send':
        return hasPower(0);
      case 'redact':
        return hasPower(this.messages[action.message]?.by === by ? 0 : 50);
      case 'name':
      case 'join rule':
        return hasPower(50);
      case 'join':
        if (own === 'ban') return false;
        return own === 'join' || own === 'invite' || this.joinRule === 'public';
      case 'leave':
        return own !== undefined && own !== 'ban';
      case 'knock':
        return this.joinRule === 'knock' && (own === undefined || own === 'leave' || own === 'knock');
      case 'invite': {
        const theirs = this.members.get(action.whom);
        return hasPower(this.inviteLevel) && theirs !== 'join' && theirs !== 'ban';
      }
      case 'kick': {
        if (action.whom === by) return own === 'join';
        const isThere = !['leave', 'ban', undefined].includes(this.members.get(action.whom));
        return hasPower(50) && isThere && this.#isBelow(action.whom, by);
      }
      case 'ban':
        return hasPower(50) && this.#isBelow(action.whom, by);
      case 'unban':
        return hasPower(50) && this.members.get(action.whom) === 'ban' && this.#isBelow(action.whom, by);
      case 'power':
        return hasPower(100) && this.#maySetPower(by, action.whom, action.level);
    }
  }

  #isBelow(one: string, other: string): boolean {
    return this.level(one) < this.level(other);
  }

  #maySetPower(by: string, whom: string, level: number): boolean {
    if (this.creatorsAreAbove && whom === this.creator) return false;
    const before = this.users.get(whom);
    if (before === level) return true;
    return level <= this.level(by) && (whom === by || before === undefined || before < this.level(by));
  }

  #do(action: Action): void {
    const { by } = action;
    switch (action.does) {
      case 'send':
        this.messages.push({ by, body: action.body, redacted: false });
        return;
      case 'redact': {
        const message = this.messages[action.message];
        if (message !== undefined) this.messages[action.message] = { ...message, redacted: true };
        return;
      }
      case 'name':
        this.name = action.name;
        return;
      case 'join rule':
        this.joinRule = action.rule;
        return;
      case 'power':
        this.users.set(action.whom, action.level);
        return;
      case 'join':
      case 'knock':
      case 'leave':
        this.members.set(by, action.does);
        return;
      case 'invite':
      case 'ban':
        this.members.set(action.whom, action.does);
        return;
      case 'kick':
      case 'unban':
        this.members.set(action.whom, 'leave');
        return;
    }
  }
}

/** Something that one of the people might do, by numbers from 0 up to 1. */
export function actionOf(dice: Dice, people: readonly string[], messages: number): Action {
  // The first has made the room: without them little would be allowed.
  const by = dice.chance(0.4) ? (people[0] ?? '') : dice.pick(people);
  const whom = dice.pick(people);
  const does = dice.pick([
    ...([
      'send',
      'send',
      'join',
      'join',
      'join',
      'invite',
      'power',
      'power',
      'power',
      'redact',
      'name',
    ] as const),
    ...(['leave', 'knock', 'kick', 'kick', 'ban', 'unban', 'join rule'] as const),
  ]);
  switch (does) {
    case 'send':
      return { does, by, body: `message ${dice.below(1000)}` };
    case 'redact':
      return messages === 0
        ? { does: 'send', by, body: 'the first' }
        : { does, by, message: dice.below(messages) };
    case 'name':
      return { does, by, name: `name ${dice.below(3)}` };
    case 'join rule':
      return { does, by, rule: dice.pick(['public', 'invite', 'knock'] as const) };
    case 'power':
      return { does, by, whom, level: dice.pick([0, 25, 25, 50, 50, 99, 100, 101, -1]) };
    case 'join':
    case 'leave':
    case 'knock':
      return { does, by };
    case 'invite':
    case 'kick':
    case 'ban':
    case 'unban':
      return { does, by, whom };
  }
}
