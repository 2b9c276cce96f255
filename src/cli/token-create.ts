import { createRegistrationToken } from '../commands/registration.js';
import { loadConfig } from '../config.js';
import { letters, systemRandom } from '../runtime/random.js';
import { systemClock } from '../runtime/clock.js';
import { askServerFor } from './admin-client.js';
import { withWriteSide } from './engine.js';
import { CliError, EXIT, type Io } from './io.js';

export interface TokenCreateOptions {
  readonly config?: string;
  readonly token?: string;
  readonly uses?: number;
  readonly expires?: string;
}

/** 137 bits. */
const LENGTH = 24;

/** `engram token create`: makes a token by which people can register, through the server where one runs. */
export async function tokenCreate(options: TokenCreateOptions, io: Io): Promise<number> {
  const expiresAt = options.expires === undefined ? null : expiry(options.expires, systemClock.now());
  if (options.uses === 0) throw new CliError('A token has to have one use at least.', EXIT.usage);
  const config = loadConfig({ file: options.config, env: io.env, cwd: io.cwd });
  const { token = letters(systemRandom, LENGTH), uses: usesAllowed = null } = options;
  const body = { token, uses_allowed: usesAllowed, expires_at: expiresAt };
  const answer = await askServerFor(config, 'POST', '/registration-tokens', body);
  if (answer === undefined) {
    await withWriteSide(config, (write, context) =>
      createRegistrationToken(write, token, { usesAllowed, expiresAt }, context),
    );
  }
  io.stdout.write(`${token}\n`);
  return EXIT.ok;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$/;

/** `30d`, `12h`, `90m`, `2w` from now, or a date (and time, in UTC unless it says otherwise). @throws CliError */
export function expiry(text: string, now: number): number {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return now + Number(count) * (UNITS[unit] ?? 0);
  const zoned = /T.*(Z|[+-]\d{2}:\d{2})$/.test(text) || !text.includes('T') ? text : `${text}Z`;
  const time = ISO.test(text) ? Date.parse(zoned) : NaN;
  if (Number.isNaN(time)) {
    throw new CliError(`${JSON.stringify(text)} is neither a span (30d, 12h) nor a date.`, EXIT.usage);
  }
  if (time <= now) throw new CliError(`${text} is in the past.`, EXIT.usage);
  return time;
}
