import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseParser, type Answer } from '../../bench/http-parser.mjs';

const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}';
const EMPTY = 'HTTP/1.1 204 No Content\r\ndate: today\r\n\r\n';
const REFUSED = 'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"b\r\na;x=y\r\n":[1,2,3]}\r\n0\r\n\r\n';

/** What is parsed of these bytes, fed in pieces of these sizes and the rest at once. */
function parsed(text: string, sizes: readonly number[] = [], parser = new ResponseParser()): Answer[] {
  const bytes = Buffer.from(text);
  const answers: Answer[] = [];
  let from = 0;
  for (const size of sizes) {
    answers.push(...parser.feed(bytes.subarray(from, from + size)));
    from = Math.min(bytes.length, from + size);
  }
  answers.push(...parser.feed(bytes.subarray(from)));
  return answers;
}

const shown = (answers: readonly Answer[]) =>
  answers.map(({ status, chunked, body, bytes }) => ({ status, chunked, bytes, body: body.toString() }));

describe('the parser of answers', () => {
  it.each([
    ['a length', PLAIN, { status: 200, chunked: false, bytes: 7, body: '{"a":1}' }],
    ['nothing', EMPTY, { status: 204, chunked: false, bytes: 0, body: '' }],
    ['a length of 0', REFUSED, { status: 429, chunked: false, bytes: 0, body: '' }],
    ['chunks', CHUNKED, { status: 200, chunked: true, bytes: 13, body: '{"b":[1,2,3]}' }],
  ])('reads one with %s', (_what, text, answer) => {
    expect(shown(parsed(text))).toEqual([answer]);
  });

  it('reads the same, however it comes in pieces', () => {
    const text = [PLAIN, CHUNKED, EMPTY, CHUNKED, REFUSED, PLAIN].join('');
    const whole = shown(parsed(text));
    expect(whole.map(({ status }) => status)).toEqual([200, 200, 204, 200, 429, 200]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 }), (sizes) => {
        expect(shown(parsed(text, sizes))).toEqual(whole);
      }),
    );
  });

  it('tells when the body begins, not the head', () => {
    let told = 0;
    const parser = new ResponseParser({ onFirstByte: () => told++ });
    const head = CHUNKED.indexOf('3\r\n');
    parser.feed(Buffer.from(CHUNKED.slice(0, head)));
    expect(told).toBe(0);
    parser.feed(Buffer.from(CHUNKED.slice(head, head + 4)));
    expect(told).toBe(1);
    expect(parser.feed(Buffer.from(CHUNKED.slice(head + 4)))).toHaveLength(1);
    expect(told).toBe(1);
  });

  it('counts a body that nobody wants, and drops it', () => {
    const parser = new ResponseParser({ keepsBody: false });
    expect(shown(parsed(CHUNKED, [], parser))).toEqual([{ status: 200, chunked: true, bytes: 13, body: '' }]);
  });

  it.each([
    'SSH-2.0-Server\r\n\r\n',
    'HTTP/1.1 200 OK\r\n\r\n',
    CHUNKED.replace('\r\n3\r\n', '\r\nmany\r\n'),
  ])('refuses what is no such answer: %j', (text) => {
    expect(() => parsed(text)).toThrow();
  });
});
