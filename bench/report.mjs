// What was measured, as a table for people.
import { figureText, isReached, namedText } from './row.mjs';

/** The first lines of a table of results. */
export const RESULT_HEAD = '| measure | measured | goal | reached |\n| --- | --- | --- | --- |';

/** @param result `{ figures }`, or `{ missing }`: why there are none */
export function resultLine(row, { figures, missing, note }, scale) {
  const goals = Object.entries(row.figures).filter(([, { text }]) => text !== undefined);
  const goal = goals.map(([name, { text }]) => namedText(name, text)).join(', ');
  if (missing !== undefined) return `| ${row.what} | not measured: ${missing} | ${goal} | |`;
  const measured = Object.entries(row.figures)
    .map(([name, figure]) => namedText(name, figureText(figure, figures[name])))
    .join(', ');
  const added = note === undefined ? '' : ` (${note})`;
  return `| ${row.what} | ${measured}${added} | ${goal} | ${reachedText(row, figures, scale)} |`;
}

function reachedText(row, figures, scale) {
  const reached = Object.entries(row.figures)
    .map(([name, figure]) => isReached(figure, figures[name]))
    .filter((each) => each !== undefined);
  if (reached.length === 0) return '';
  const text = reached.every(Boolean) ? 'yes' : 'no';
  // What is smaller than the table says proves nothing of it.
  return scale < 1 && row.data === true ? `${text}, at ${scale} of the size` : text;
}
