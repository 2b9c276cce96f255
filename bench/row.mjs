// What a row of the table is made of: figures, each with which way is better and, where there is one, its goal.

export const atLeast = (goal) => ({ better: 'higher', goal, text: `≥ ${goal.toLocaleString('en')}` });
export const atMost = (goal) => ({ better: 'lower', goal, text: `≤ ${goal.toLocaleString('en')}` });
export const below = (goal) => ({
  better: 'lower',
  goal,
  isStrict: true,
  text: `< ${goal.toLocaleString('en')}`,
});
/** A yes or no, as 1 or 0. */
export const yes = () => ({ better: 'higher', goal: 1, text: 'yes', isBoolean: true });
export const higher = () => ({ better: 'higher' });
export const lower = () => ({ better: 'lower' });

/** Whether a figure is what it should be; undefined where it has no goal or is not known. */
export function isReached({ better, goal, isStrict }, value) {
  if (goal === undefined || value === undefined) return undefined;
  if (better === 'higher') return value >= goal;
  return isStrict === true ? value < goal : value <= goal;
}

/** A row cannot be measured here, and why. */
export class NotMeasured extends Error {
  constructor(reason) {
    super(reason);
    this.name = 'NotMeasured';
  }
}

/** A figure's name and its value, for people: `p50 2.1 ms` of `p50 (ms)`, `1,200 sends/s` of `sends/s`. */
export function namedText(name, value) {
  const found = /^(.*) \((.*)\)$/.exec(name);
  return found === null ? `${value} ${name}` : `${found[1]} ${value} ${found[2]}`;
}

/** A figure for people: three digits that count, or all of a whole number. */
export function figureText(figure, value) {
  if (value === undefined) return 'unknown';
  if (figure.isBoolean === true) return value >= 1 ? 'yes' : 'no';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
