import { compileGlob, type TextMatcher } from './globs.js';
import { isJsonObject, type JsonValue } from './json.js';
import { parseServerName } from './server-names.js';

/** Whether a server (by its name, with or without port) may take part in the room. */
export type ServerAcl = (serverName: string) => boolean;

const IP_LITERAL = /^(?:\[|[0-9]{1,3}(?:\.[0-9]{1,3}){3}$)/;

/**
 * The room's rules on servers (specification: Client-Server API, m.room.server_acl). Malformed content counts
 * as the parts that are well formed: no list is an empty list, what is no text in a list is not there, and
 * `allow_ip_literals` is `true` unless it is `false`. Names that are no server names are never allowed.
 * To be compiled once per event: asking costs a look-up, plus one pass over the name per pattern with wildcards.
 *
 * @param content of the current m.room.server_acl event, `undefined` if the room has none: all are allowed.
 */
export function compileServerAcl(content: JsonValue | undefined): ServerAcl {
  if (content === undefined) return () => true;
  const fields = isJsonObject(content) ? content : {};
  const allowIpLiterals = fields['allow_ip_literals'] !== false;
  const denied = compileList(fields['deny']);
  const allowed = compileList(fields['allow']);
  return (serverName) => {
    const host = parseServerName(serverName)?.hostname.toLowerCase();
    if (host === undefined) return false;
    if (!allowIpLiterals && IP_LITERAL.test(host)) return false;
    return !denied(host) && allowed(host);
  };
}

function compileList(list: JsonValue | undefined): TextMatcher {
  const names = new Set<string>();
  const globs: TextMatcher[] = [];
  for (const pattern of Array.isArray(list) ? (list as readonly JsonValue[]) : []) {
    if (typeof pattern !== 'string') continue;
    const folded = pattern.toLowerCase();
    if (/[*?]/.test(folded)) globs.push(compileGlob(folded));
    else names.add(folded);
  }
  return (host) => names.has(host) || globs.some((matches) => matches(host));
}
