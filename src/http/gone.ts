import type { ServerResponse } from 'node:http';

/** Whether nobody will see a response any more: its client has gone, or has it. No `close` follows then. */
export function isGone(response: ServerResponse): boolean {
  return response.closed || response.req.socket.destroyed;
}
