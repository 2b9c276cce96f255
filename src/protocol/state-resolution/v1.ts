import { createHash } from 'node:crypto';
import { stateKeyText, type RoomEvent, type StateKey } from '../events.js';
import type { Resolution, ResolutionInput } from './resolution.js';
import type { AuthState, Verdict } from './rules.js';
import { conflictedStateSet } from './conflict.js';
import { requireEvent, requireEvents } from './sources.js';
import type { Fate, Phase, Tracer } from './trace.js';

/** The conflicting events of one key, by ascending depth, then descending SHA-1 of the event ID. */
interface Block {
  readonly key: StateKey;
  readonly sorted: readonly RoomEvent[];
}

type Candidate = Fate & { readonly event: string };

const PHASES = ['power_levels', 'join_rules', 'members', 'others'] as const satisfies readonly Phase[];
type V1Phase = (typeof PHASES)[number];

/**
 * State resolution of room version 1 (specification: Room Version 1, State resolution).
 *
 * A key that only some of the sets have is not in conflict here: "A conflict occurs between states where those
 * states have different event_ids for the same (event_type, state_key)."
 *
 * Where the text leaves a choice, this does what the servers do that made these rooms: the keys of one pass do
 * not see each other's results (else the outcome would depend on the order of the keys), and if no candidate of
 * the last pass is allowed, the oldest stays.
 *
 * Cost: one check per conflicting event.
 */
export function resolveV1(input: ResolutionInput): Resolution {
  const resolved = new Map<string, RoomEvent>();
  const blocks = new Map<V1Phase, Block[]>(PHASES.map((phase) => [phase, []]));
  const events = requireEvents(input.events, conflictedStateSet(input.conflict));
  const byId = new Map(events.map((event) => [event.eventId, event]));
  for (const [text, values] of input.conflict.conflicted) {
    const ids = [...new Set(values)].filter((id) => id !== undefined && !input.events.rejected(id));
    const [first, ...rest] = ids.flatMap((id) => byId.get(id ?? '') ?? []);
    if (first === undefined) continue;
    if (rest.length === 0) resolved.set(text, first);
    else blocks.get(phaseOf(first))?.push(blockOf(first, rest));
  }

  const state = stateSoFar(resolved, input);
  for (const phase of PHASES) {
    const winners = (blocks.get(phase) ?? []).map((block) => resolveBlock(block, phase, state, input));
    for (const winner of winners) resolved.set(stateKeyText(winner.type, winner.stateKey ?? ''), winner);
  }
  return new Map([...input.conflict.conflicted.keys()].map((text) => [text, resolved.get(text)?.eventId]));
}

function phaseOf(event: RoomEvent): V1Phase {
  if (event.type === 'm.room.power_levels') return 'power_levels';
  if (event.type === 'm.room.join_rules') return 'join_rules';
  return event.type === 'm.room.member' ? 'members' : 'others';
}

function blockOf(first: RoomEvent, rest: readonly RoomEvent[]): Block {
  const sorted = [first, ...rest]
    .map((event) => ({ event, hash: createHash('sha1').update(event.eventId).digest() }))
    .sort((x, y) => x.event.depth - y.event.depth || Buffer.compare(y.hash, x.hash))
    .map(({ event }) => event);
  return { key: { type: first.type, stateKey: first.stateKey ?? '' }, sorted };
}

/** R: the unconflicted state and what was resolved so far; conflicting keys are absent until their pass is over. */
function stateSoFar(resolved: ReadonlyMap<string, RoomEvent>, input: ResolutionInput): AuthState {
  return {
    get: (type, stateKey) => {
      const event = resolved.get(stateKeyText(type, stateKey));
      if (event !== undefined) return event;
      const id = input.conflict.unconflicted(type, stateKey);
      return id === undefined || input.events.rejected(id) ? undefined : requireEvent(input.events, id);
    },
  };
}

/** Chooses the event of one key, and tells the tracer how. */
function resolveBlock(block: Block, phase: V1Phase, state: AuthState, input: ResolutionInput): RoomEvent {
  const { trace, version, authorise } = input;
  const record = trace === undefined ? undefined : new BlockRecord(block, phase, trace);
  const check: Check = (event, against) => {
    const verdict = authorise(event, version, against);
    record?.checked(event, verdict);
    return verdict.allowed;
  };
  const assume: Assume = (event) => {
    trace?.({ step: 'assumed', phase, event: event.eventId });
    return event;
  };
  const winner =
    phase === 'others' ? newestAllowed(block, state, check, assume) : lastOfRun(block, state, check, assume);
  record?.resolved(winner);
  return winner;
}

/** What is told about the choice of one key. */
class BlockRecord {
  readonly #block: Block;
  readonly #phase: V1Phase;
  readonly #trace: Tracer;
  readonly #fates: Map<string, Candidate>;

  constructor(block: Block, phase: V1Phase, trace: Tracer) {
    this.#block = block;
    this.#phase = phase;
    this.#trace = trace;
    const ids = block.sorted.map((event) => event.eventId);
    this.#fates = new Map(ids.map((event) => [event, { event, fate: 'passed over' }]));
    trace({ step: 'ordered', phase, events: phase === 'others' ? ids.toReversed() : ids });
  }

  checked({ eventId: event }: RoomEvent, verdict: Verdict): void {
    const phase = this.#phase;
    if (verdict.allowed) {
      this.#trace({ step: 'allowed', phase, event });
    } else {
      const { rule, reason } = verdict;
      this.#fates.set(event, { event, fate: 'refused', rule, reason });
      this.#trace({ step: 'refused', phase, event, rule, reason });
    }
  }

  resolved(winner: RoomEvent): void {
    const { key, sorted } = this.#block;
    if (this.#phase !== 'others') {
      for (const { eventId: event } of sorted.slice(0, sorted.indexOf(winner))) {
        this.#fates.set(event, { event, fate: 'replaced', by: winner.eventId });
      }
    }
    this.#fates.set(winner.eventId, { event: winner.eventId, fate: 'won' });
    this.#trace({ step: 'resolved', key, winner: winner.eventId, candidates: [...this.#fates.values()] });
  }
}

type Check = (event: RoomEvent, state: AuthState) => boolean;
type Assume = (event: RoomEvent) => RoomEvent;

/**
 * "Add the first event in the list to R. For each subsequent event in the list, check that the event would be
 * allowed by the authorisation rules for a room in state R. If the event would be allowed, then update R with the
 * event and continue with the next event in the list. If it would not be allowed, stop."
 */
function lastOfRun({ key, sorted }: Block, state: AuthState, check: Check, assume: Assume): RoomEvent {
  const [first, ...rest] = sorted as readonly [RoomEvent, ...RoomEvent[]];
  let current = assume(first);
  for (const event of rest) {
    const before = current;
    const updated: AuthState = {
      get: (type, stateKey) =>
        type === key.type && stateKey === key.stateKey ? before : state.get(type, stateKey),
    };
    if (!check(event, updated)) break;
    current = event;
  }
  return current;
}

/** "Just pick the event with the highest depth and lowest sha1(event_id) that passes authentication in R." */
function newestAllowed({ sorted }: Block, state: AuthState, check: Check, assume: Assume): RoomEvent {
  const [oldest] = sorted as readonly [RoomEvent, ...RoomEvent[]];
  return sorted.toReversed().find((event) => check(event, state)) ?? assume(oldest);
}
