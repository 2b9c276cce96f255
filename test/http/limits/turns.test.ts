import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { Turns } from '../../../src/http/limits/turns.js';

let turns: Turns;
beforeEach(() => {
  turns = new Turns(2, 3);
});

function response(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()));
}

/** A request that asks for its turn, and notes when it has come. */
function ask(
  client: string,
  begun: string[],
  name: string,
): { response: ServerResponse; turn: Promise<void> } {
  const asked = response();
  const turn = turns.enter(client, asked).then(() => void begun.push(name));
  return { response: asked, turn };
}

describe('turns', () => {
  it('come in order, so many at once, and no client waits for another', async () => {
    const begun: string[] = [];
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => ask('alice', begun, name));
    await Promise.all([a?.turn, b?.turn, ask('bob', begun, 'bob').turn]);
    expect(begun).toEqual(['a', 'b', 'bob']);
    b?.response.emit('close');
    await c?.turn;
    expect(begun).toEqual(['a', 'b', 'bob', 'c']);
    a?.response.emit('close');
    await d?.turn;
    expect(begun).toEqual(['a', 'b', 'bob', 'c', 'd']);
  });

  it('are refused to who has too many waiting', async () => {
    const begun: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) void ask('alice', begun, name).turn;
    await expect(turns.enter('alice', response())).rejects.toMatchObject({
      code: 'M_LIMIT_EXCEEDED',
      fields: { retry_after_ms: 1000 },
    });
  });

  it('are not kept for clients that have gone', async () => {
    const begun: string[] = [];
    const [a, b, gone, next] = ['a', 'b', 'gone', 'next'].map((name) => ask('alice', begun, name));
    await Promise.all([a?.turn, b?.turn]);
    const failed = expect(gone?.turn).rejects.toThrow(/has gone/);
    gone?.response.emit('close');
    await failed;
    a?.response.emit('close');
    await next?.turn;
    expect(begun).toEqual(['a', 'b', 'next']);
  });

  it('leave nothing behind', async () => {
    const begun: string[] = [];
    const asked = ['a', 'b', 'c'].map((name) => ask('alice', begun, name));
    for (const { response: sent, turn } of asked) {
      await turn;
      sent.emit('close');
    }
    expect(turns.size).toBe(0);
  });
});
