import { serverName } from '../identifiers.js';
import type { Subject } from './subject.js';
import { ALLOWED, refuse, type Verdict } from './verdict.js';

/** m.room.aliases, up to room version 5: each server's aliases are its own business, joined or not. */
export function checkAliases({ event, version }: Subject): Verdict {
  if (event.stateKey === undefined) {
    return refuse(
      'aliases.state_key',
      version,
      'Aliases are state and need a state key: the server they are of.',
    );
  }
  if (serverName(event.sender) !== event.stateKey) {
    const reason = `${event.sender} may only set the aliases of their own server.`;
    return refuse('aliases.server', version, reason);
  }
  return ALLOWED;
}
