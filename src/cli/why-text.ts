import type { CheckAgain, ResolutionAgain, Why } from '../audit/why.js';
import type { Fate, TraceStep } from '../protocol/state-resolution/index.js';
import { changeLines } from './state-text.js';
import { contentText, printable, timeText } from './table.js';

const DECISIONS = {
  accepted: 'accepted',
  soft_failed:
    'soft-failed: valid at its place, not allowed by the state of the room when it came, and not shown',
  rejected: 'rejected: it is not part of any state',
  outlier: 'known without its place in the room',
} as const;

const CHECKS = {
  auth_events: 'by its auth events',
  state_before: 'by the state before it',
  current_state: 'by the current state',
} as const;

/** The story of an event, for a person to read. */
export function whyText(told: Why): string {
  const { event } = told;
  const key = event.state_key === undefined ? '' : ` ${JSON.stringify(event.state_key)}`;
  const parts = [
    `${event.event_id} was ${DECISIONS[told.decision]}`,
    ...(told.rule === null ? [] : [`  rule ${told.rule}: ${told.reason ?? ''}`]),
    '',
    `Event        ${event.type}${key} by ${event.sender}, ${timeText(event.origin_server_ts)}`,
    `Content      ${told.forgotten ? '(forgotten)' : contentText(event.content, 200)}`,
    `Recorded     position ${told.position}, revision ${told.revision}, ${timeText(told.received_at)}${
      told.origin === null ? '' : `, from ${told.origin}`
    }`,
    `Room         ${told.room_id}, version ${told.room_version}`,
    `State        before ${told.state_before ?? '-'}`,
    `             after  ${told.state_after ?? '-'}`,
    ...(told.redaction === null
      ? []
      : [`Redacts      ${told.redaction.target}: ${told.redaction.applied ? 'applied' : 'not applied'}`]),
    '',
    'Checks',
    ...told.checks.map(checkLine),
    '',
    'Auth events',
    ...listed(told.auth_events),
    '',
    'Previous events',
    ...listed(told.prev_events),
  ];
  return (
    `${parts.map(printable).join('\n')}\n` +
    changed("\nIt changed, at its place in the room's history\n", told.changed) +
    changed("\nIt changed, in the room's current state\n", told.changed_current) +
    told.resolutions.map(resolutionText).join('')
  );
}

function changed(title: string, changes: Why['changed']): string {
  return changes.length === 0 ? '' : title + changeLines(changes).replaceAll(/^/gm, '  ').trimEnd() + '\n';
}

function checkLine({ check, allowed, rule, reason }: CheckAgain): string {
  return `  ${CHECKS[check].padEnd(22)}  ${allowed ? 'allowed' : `refused by rule ${rule ?? ''}: ${reason ?? ''}`}`;
}

function listed(events: Why['auth_events']): string[] {
  if (events.length === 0) return ['  none'];
  return events.map((event) =>
    'type' in event
      ? `  ${event.event_id}  ${event.type}${
          event.state_key === undefined ? '' : ` ${JSON.stringify(event.state_key)}`
        } by ${event.sender}: ${contentText(event.content, 60)}${
          event.standing === 'accepted' ? '' : ` (${event.standing})`
        }`
      : `  ${event.event_id}  (not known here)`,
  );
}

function resolutionText({ of, after, steps, events }: ResolutionAgain): string {
  const names = new Map(
    events.map((event) => [
      event.event_id,
      'type' in event ? `${event.event_id} (${event.type} by ${event.sender})` : event.event_id,
    ]),
  );
  const name = (id: string) => names.get(id) ?? id;
  const title =
    of === 'state_before'
      ? 'The state before it was resolved, from the states after'
      : "The room's current state was resolved, from the states after";
  const lines = [
    '',
    title,
    ...after.map((id, i) => `  ${i + 1}. ${id}`),
    ...steps.flatMap((step) => stepLines(step, name)),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function stepLines(step: TraceStep, name: (id: string) => string): string[] {
  switch (step.step) {
    case 'conflicted':
      return [
        'In conflict',
        ...step.keys.flatMap(({ type, stateKey, values }) => [
          `  ${type} ${JSON.stringify(stateKey)}`,
          ...values.map((id, i) => `    ${i + 1}. ${id === undefined ? 'nothing' : name(id)}`),
        ]),
      ];
    case 'added': {
      const added = [...new Set([...step.authDifference, ...step.conflictedSubgraph])];
      return added.length === 0 ? [] : ['Looked at besides', ...added.map((id) => `  ${name(id)}`)];
    }
    case 'ordered':
      return step.events.length === 0 ? [] : [`Decided, in this order (${step.phase})`];
    case 'allowed':
      return [`  allowed  ${name(step.event)}`];
    case 'assumed':
      return [`  taken    ${name(step.event)}`];
    case 'refused':
      return [`  refused  ${name(step.event)}`, `           rule ${step.rule}: ${step.reason}`];
    case 'resolved':
      return [
        `Outcome for ${step.key.type} ${JSON.stringify(step.key.stateKey)}: ${step.winner ?? 'nothing'}`,
        ...step.candidates.map(({ event, ...fate }) => `  ${event} ${fateText(fate)}`),
      ];
  }
}

function fateText(fate: Fate): string {
  switch (fate.fate) {
    case 'won':
      return 'won';
    case 'replaced':
      return `was allowed, and replaced by ${fate.by}, which comes later in the order`;
    case 'refused':
      return `was refused by rule ${fate.rule}`;
    case 'passed over':
      return 'was passed over: one before it decided the matter';
    case 'unconflicted':
      return `gave way to ${fate.by}, on which all states agree`;
  }
}
