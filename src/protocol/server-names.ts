/** A server name in its parts. */
export interface ServerName {
  /** A DNS name, an IPv4 address, or an IPv6 address in its brackets. */
  readonly hostname: string;
  readonly port: number | undefined;
}

const MAX_LENGTH = 255;
const SERVER_NAME = /^(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::([0-9]{1,5}))?$/;
const FOUR_NUMBERS = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;

/**
 * Parses a server name (specification: Appendices, Server Name). Four numbers must be an IPv4 address, and a port
 * at most 65535; a DNS name is held to the grammar only, as labels are merely recommended.
 */
export function parseServerName(text: string): ServerName | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const match = SERVER_NAME.exec(text);
  const hostname = match?.[1];
  if (hostname === undefined) return undefined;
  if (
    hostname.startsWith('[')
      ? !isIpv6(hostname.slice(1, -1))
      : FOUR_NUMBERS.test(hostname) && !isIpv4(hostname)
  ) {
    return undefined;
  }
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  return port !== undefined && port > 65535 ? undefined : { hostname, port };
}

/** `parseServerName` as a question. */
export function isServerName(text: string): boolean {
  return parseServerName(text) !== undefined;
}

function isIpv4(text: string): boolean {
  const match = FOUR_NUMBERS.exec(text);
  return match?.slice(1).every((number) => Number(number) <= 255) ?? false;
}

/** RFC 3513, section 2.2: eight groups, of which `::` may stand for one or more; the last two may be IPv4. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  let count = 0;
  for (const [h, half] of groups.entries()) {
    for (const [i, group] of half.entries()) {
      const last = h === groups.length - 1 && i === half.length - 1;
      if (GROUP.test(group)) count += 1;
      else if (last && isIpv4(group)) count += 2;
      else return false;
    }
  }
  return halves.length === 2 ? count <= 7 : count === 8;
}
