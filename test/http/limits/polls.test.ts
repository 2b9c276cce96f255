import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Polls } from '../../../src/http/limits/polls.js';

const polls = new Polls(2, 3);

function poll(deviceId: string): { ended: () => boolean; response: ServerResponse } {
  const controller = new AbortController();
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  polls.begin({ userId: '@alice:one.example', deviceId }, controller, response);
  return { ended: () => controller.signal.aborted, response };
}

it('the oldest poll ends when its device or its user has too many, and nothing of them is kept', () => {
  const [first, second, third] = [poll('A'), poll('A'), poll('A')];
  expect([first, second, third].map(({ ended }) => ended())).toEqual([true, false, false]);
  first.response.emit('close');
  const [other, another] = [poll('B'), poll('C')];
  expect([second, third, other, another].map(({ ended }) => ended())).toEqual([true, false, false, false]);
  for (const { response } of [second, third, other, another]) response.emit('close');
  expect(polls.size).toBe(0);
});
