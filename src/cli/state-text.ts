import type { Located } from '../audit/state-at.js';
import type { StateChange } from '../audit/state-diff.js';
import type { EventSummary } from '../audit/summary.js';
import { contentText, printable, table, timeText } from './table.js';

/** A room's state as a table. */
export function stateText(
  roomId: string,
  { root, position }: Located,
  events: readonly EventSummary[],
): string {
  if (position < 0) return `${printable(roomId)} was not known here yet.\n`;
  const rows = events.map((event) => [
    event.type,
    event.state_key ?? '',
    event.sender,
    timeText(event.origin_server_ts),
    event.event_id,
    contentOf(event),
  ]);
  const head = `${printable(roomId)} at position ${position}: ${events.length} state events, root ${root}\n\n`;
  return head + table(['TYPE', 'STATE KEY', 'SENDER', 'TIME (UTC)', 'EVENT', 'CONTENT'], rows);
}

/** What changed between two states. */
export function changesText(from: Located, to: Located, changes: readonly StateChange[]): string {
  const head = `From position ${from.position} (root ${from.root})\n  to position ${to.position} (root ${to.root})\n`;
  if (changes.length === 0) return `${head}\nNothing changed.\n`;
  return `${head}\n${changeLines(changes)}`;
}

/** Changes as a list: the key, then what was there, what is there, and who made it so. */
export function changeLines(changes: readonly StateChange[]): string {
  return changes
    .map((change) => {
      const key = `${change.type} ${JSON.stringify(change.state_key)}`;
      const lines = [printable(key), `  - ${eventLine(change.before)}`, `  + ${eventLine(change.after)}`];
      const { by } = change;
      if (by?.by_resolution === true) {
        const { event, position } = by;
        lines.push(
          `    by state resolution, with ${printable(event.sender)}'s ${event.event_id} at ${position}`,
        );
      }
      return `${lines.join('\n')}\n`;
    })
    .join('');
}

/** An event on one line. */
export function eventLine(event: EventSummary | null): string {
  if (event === null) return 'nothing';
  const { event_id, sender, origin_server_ts } = event;
  return printable(`${event_id} by ${sender}, ${timeText(origin_server_ts)}: ${contentOf(event)}`);
}

function contentOf({ content, forgotten }: EventSummary): string {
  return forgotten === true ? `${contentText(content)} (the rest is forgotten)` : contentText(content);
}
