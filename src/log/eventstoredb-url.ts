import { LogFormatError } from './errors.js';

/*
 * Connection strings: esdb://user:password@host:2113?tls=true&tlsCAFile=/etc/ca.crt, or with several hosts, or
 * esdb+discover://name. They hold a password, so they appear in no message; and since the driver warns of
 * options that it does not know by printing the whole string, such a string never gets to it.
 */

/** What the driver knows, in lower case: it minds neither case nor `_` and `-`. */
const OPTIONS: ReadonlySet<string> = new Set([
  'connectionname',
  'defaultdeadline',
  'discoveryinterval',
  'gossiptimeout',
  'keepaliveinterval',
  'keepalivetimeout',
  'maxdiscoverattempts',
  'nodepreference',
  'tls',
  'tlscafile',
  'usercertfile',
  'userkeyfile',
]);

/** What it knows, and we cannot have. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['tlsverifycert', 'certificates are always checked; tlsCAFile names the authority that signed them'],
  ['throwonappendfailure', 'it would hide which revision a stream is at'],
]);

const FORM =
  /^esdb(?:\+discover)?:\/\/(?:[^:@/?#]+:[^@/?#]+@)?(?<hosts>[^@/?#\s]+)\/?(?:\?(?<options>[^?#\s]+))?$/;

/**
 * The hosts of a connection string, for messages.
 *
 * @throws LogFormatError where the driver would not take it, or take it with a warning
 */
export function checkUrl(url: string): string {
  const { hosts, options } = FORM.exec(url.trim())?.groups ?? {};
  if (hosts === undefined) {
    throw new LogFormatError(
      'log.url is not a connection string of EventStoreDB: it should be like esdb://host:2113?tls=true, with user:password@ before the host where it has accounts, and special characters in them percent-encoded.',
    );
  }
  for (const option of options?.split('&') ?? []) {
    const [name = '', value = ''] = option.split('=');
    const flat = name.toLowerCase().replaceAll(/[_-]/g, '');
    const why = REFUSED.get(flat);
    if (flat === 'nodepreference' && value.toLowerCase() !== 'leader') {
      throw new LogFormatError(`log.url has ${name}, which must be leader: what we write we have to read.`);
    }
    if (why !== undefined) throw new LogFormatError(`log.url has ${name}, which cannot be used: ${why}.`);
    if (!OPTIONS.has(flat) || value === '') {
      throw new LogFormatError(`log.url has ${JSON.stringify(name)}, which is no option with a value.`);
    }
  }
  return hosts;
}
