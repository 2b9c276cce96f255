import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLoggers, type Loggers } from '../src/logger.js';
import { reportCrash } from '../src/logger/crash.js';
import { pretty } from '../src/logger/pretty.js';
import { safeUrl } from '../src/logger/redact.js';

const SECRET = 'hunter2';

function capture(options: { isTTY?: boolean; level?: 'info' | 'silent' } = {}): {
  loggers: Loggers;
  text: () => string;
} {
  let text = '';
  const sink = { write: (line: string) => (text += line), isTTY: options.isTTY ?? false };
  return { loggers: createLoggers({ level: options.level ?? 'info', file: null, sink }), text: () => text };
}

describe('an entry', () => {
  it('is a line of JSON with time, level, area and message', () => {
    const { loggers, text } = capture();
    loggers.commands.info({ room_id: '!r:one', count: 3n }, 'Joined.');
    loggers.commands.debug('not written');
    expect(JSON.parse(text())).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      area: 'commands',
      room_id: '!r:one',
      count: '3',
      msg: 'Joined.',
    });
    expect(text().endsWith('\n')).toBe(true);
  });

  it('carries what its child logger was given', () => {
    const { loggers, text } = capture();
    loggers.http.child({ request: 'abc', token: SECRET }).warn('Slow.');
    expect(JSON.parse(text())).toMatchObject({
      area: 'http',
      request: 'abc',
      token: '[hidden]',
      msg: 'Slow.',
    });
  });

  it('tells an error whole, with its causes', () => {
    const { loggers, text } = capture();
    loggers.log.error({ err: new Error('outer', { cause: new TypeError('inner') }) }, 'Failed.');
    const { err } = JSON.parse(text()) as {
      err: { stack: string; cause: { type: string; message: string } };
    };
    expect(err.stack).toContain('logger.test.ts');
    expect(err.cause).toMatchObject({ type: 'TypeError', message: 'inner' });
  });
});

describe('what is secret', () => {
  const parse = (text: string): Error => {
    try {
      JSON.parse(text);
    } catch (error) {
      if (error instanceof Error) return error;
    }
    throw new Error('It can be parsed.');
  };

  it.each<[string, (loggers: Loggers) => void]>([
    [
      'a field',
      ({ http }) => {
        http.info({ password: SECRET });
      },
    ],
    [
      'a field far down',
      ({ http }) => {
        http.info({ a: [{ b: { 'Access-Token': SECRET } }] });
      },
    ],
    [
      'an event',
      ({ http }) => {
        http.info({ event: { content: { body: SECRET }, unsigned: { x: SECRET } } });
      },
    ],
    [
      'headers',
      ({ http }) => {
        http.info({ headers: { authorization: `Bearer ${SECRET}`, cookie: SECRET } });
      },
    ],
    [
      'a request',
      ({ http }) => {
        http.info({ req: { method: 'GET', url: `/x?access_token=${SECRET}`, headers: { a: SECRET } } });
      },
    ],
    [
      'a response',
      ({ http }) => {
        http.info({ res: { statusCode: 200, payload: SECRET } });
      },
    ],
    [
      'a message',
      ({ http }) => {
        http.info(`GET /x?access_token=${SECRET}&y`);
      },
    ],
    [
      'a message with a header',
      ({ http }) => {
        http.info(`Authorization: Bearer ${SECRET}`);
      },
    ],
    [
      'a message with JSON',
      ({ http }) => {
        http.info(`got {"access_token":"${SECRET}"}`);
      },
    ],
    [
      "an error's message",
      ({ http }) => {
        http.error(new Error(`/x?access_token=${SECRET}`));
      },
    ],
    [
      "an error's fields",
      ({ http }) => {
        http.error({ err: Object.assign(new Error('x'), { request: SECRET }) }, 'x');
      },
    ],
    [
      'text that cannot be parsed',
      ({ http }) => {
        http.error(parse(SECRET));
      },
    ],
    [
      'the same as a field',
      ({ http }) => {
        http.error({ err: parse(SECRET) });
      },
    ],
    [
      'the same as a cause',
      ({ http }) => {
        http.error({ err: new Error('x', { cause: parse(SECRET) }) }, 'x');
      },
    ],
    [
      'the same elsewhere',
      ({ http }) => {
        http.error({ reason: parse(SECRET) }, 'x');
      },
    ],
    [
      'bytes',
      ({ http }) => {
        http.info({ data: Buffer.from(SECRET) });
      },
    ],
    [
      'depths',
      ({ http }) => {
        http.info({ a: { b: { c: { d: { e: { f: { g: SECRET } } } } } } });
      },
    ],
  ])('is not written: %s', (_, write) => {
    const { loggers, text } = capture();
    write(loggers);
    expect(text().trim().split('\n')).toHaveLength(1);
    expect(text()).not.toContain(SECRET);
    expect(text()).not.toContain(Buffer.from(SECRET).toString('base64'));
  });

  it('in a query is hidden, by name, and harmless parameters stay', () => {
    expect(safeUrl('/_matrix/client/v3/sync?since=12&access_token=x&timeout=30')).toBe(
      '/_matrix/client/v3/sync?since=12&access_token=[hidden]&timeout=30',
    );
    expect(safeUrl('/x')).toBe('/x');
  });
});

describe('on a terminal', () => {
  it('an entry is one readable line, and an error its stack', () => {
    const line = JSON.stringify({
      level: 'warn',
      time: '2026-01-02T03:04:05.678Z',
      area: 'log',
      n: 1,
      msg: 'Slow.',
      err: { stack: 'E: x\n    at y', cause: { stack: 'F' } },
    });
    expect(pretty(line, false)).toBe(
      '03:04:05.678 WARN  log: Slow. n=1\n  E: x\n      at y\n  caused by\n  F\n',
    );
  });

  it('nothing can move the cursor or look like another entry', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = pretty(
          JSON.stringify({ level: 'info', time: '', area: 'x', msg: text, field: text }),
          false,
        );
        expect(line.endsWith('\n')).toBe(true);
        expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
      { examples: [['\u007f'], ['\u009b2J'], ['\u001b[2J'], ['\n']] },
    );
  });

  it('loggers write so', () => {
    const { loggers, text } = capture({ isTTY: true });
    loggers.server.info('Hello.');
    expect(text()).toMatch(/INFO.*server: Hello\.\n$/);
  });
});

describe('a file', () => {
  it('is made, with its folder, and has everything after a crash', () => {
    const folder = mkdtempSync(join(tmpdir(), 'engram-logger-'));
    const file = join(folder, 'logs', 'engram.log');
    const loggers = createLoggers({ level: 'info', file });
    loggers.server.info('One.');
    reportCrash(new Error('Two.'));
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['info', 'fatal']);
    expect(lines[1]).toContain('Two.');
    loggers.close();
    reportCrash(new Error('After the end.'));
    expect(readFileSync(file, 'utf8')).not.toContain('After the end.');
    rmSync(folder, { recursive: true });
  });
});
