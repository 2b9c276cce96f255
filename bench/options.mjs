import { parseArgs } from 'node:util';

/** Of the sizes that the table names, in a quick pass. */
const SMALL = 0.02;

/**
 * What the command line says.
 *
 * @throws with a sentence for whoever wrote it
 */
export function readOptions(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      seconds: { type: 'string' },
      small: { type: 'boolean', default: false },
      scale: { type: 'string' },
      json: { type: 'string' },
      keep: { type: 'string' },
      profiles: { type: 'string' },
      compare: { type: 'string' },
      rounds: { type: 'string', default: '6' },
    },
  });
  const { only, json, keep, profiles } = values;
  const compared = values.compare === undefined ? undefined : [values.compare, ...positionals];
  if (compared !== undefined ? compared.length !== 2 : positionals.length > 0)
    throw new Error('Two are compared: --compare A B, each a commit or env:ENGRAM_X=...,ENGRAM_Y=...');
  return {
    only: only?.split(','),
    seconds: positive('seconds', values.seconds ?? (values.small ? '1' : '5')),
    scale: positive('scale', values.scale ?? (values.small ? String(SMALL) : '1')),
    rounds: positive('rounds', values.rounds),
    compare: compared,
    json,
    keep,
    profiles,
  };
}

function positive(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${text}`);
  return value;
}
