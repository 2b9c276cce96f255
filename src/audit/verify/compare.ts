import { isDeepStrictEqual } from 'node:util';
import type { Again } from '../decide-again.js';
import type { EventLogged } from '../replay.js';
import type { Fault, FindingKind } from './finding.js';

/** What a decision says about an event, and the kind of a finding where it is not the same. */
const COMPARED: readonly (readonly [field: string, kind: FindingKind, name: string])[] = [
  ['rule', 'decision', 'The rule that refuses it'],
  ['reason', 'decision', 'The reason why it is refused'],
  ['redaction', 'decision', 'What it redacts'],
  ['state_before', 'state', 'The root of the state before it'],
  ['state_after', 'state', 'The root of the state after it'],
  ['resolution', 'state', 'The resolution of the state before it'],
  ['current', 'state', "The change of the room's current state"],
  ['extremities', 'state', "The room's forward extremities"],
  ['event', 'format', 'The part of its event that redaction leaves'],
  ['forgettable', 'format', 'The part of its event that can be forgotten'],
];

/** Where a decision taken again is not the one that was recorded. Transactions are not decided, and not compared. */
export function compareDecisions(record: EventLogged, again: Again): Fault[] {
  if (again.type !== record.type) {
    const now = 'rule' in again ? again : 'data' in again && 'rule' in again.data ? again.data : undefined;
    const why = now === undefined ? '' : ` by rule ${now.rule}: ${now.reason}`;
    return [
      { kind: 'decision', reason: `Recorded as ${name(record.type)}, but it is ${name(again.type)}${why}` },
    ];
  }
  if (!('data' in again)) return [];
  const was: Readonly<Record<string, unknown>> = { ...record.data };
  const is: Readonly<Record<string, unknown>> = { ...again.data };
  const faults: Fault[] = [];
  for (const [field, kind, what] of COMPARED) {
    // What was forgotten cannot be compared; up to room version 10 the target of a redaction is part of it.
    if (record.forgotten && (field === 'forgettable' || field === 'redaction')) continue;
    if (isDeepStrictEqual(was[field], is[field])) continue;
    faults.push({ kind, reason: `${what} is ${text(was[field])}, but comes to ${text(is[field])}.` });
  }
  return faults;
}

function name(type: string): string {
  return type.replace('room.event.', '').replace('_', '-');
}

const SHOWN = 200;

function text(value: unknown): string {
  if (value === undefined) return 'nothing';
  const json = typeof value === 'string' ? value : JSON.stringify(value);
  return json.length > SHOWN ? `${json.slice(0, SHOWN)}...` : json;
}
