import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runCommandLine } from '../../src/cli/program.js';
import { configSchema } from '../../src/config/schema.js';
import { testIo, type TestIo } from './support.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'engram-cli-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function run(
  args: string[],
  options: Parameters<typeof testIo>[0] = {},
): Promise<{ code: number; io: TestIo }> {
  const io = testIo({ cwd: folder, ...options });
  return { code: await runCommandLine(args, io), io };
}

describe('the command line', () => {
  it.each([
    [['--help'], ['serve', 'config', 'Exit codes']],
    [
      ['serve', '--help'],
      ['--config <file>', 'Example'],
    ],
    [['config', '--help'], ['check']],
    [
      ['config', 'check', '--help'],
      ['--config <file>', '--json', 'Example'],
    ],
  ])('%j is explained', async (args, texts) => {
    const { code, io } = await run(args);
    expect(code).toBe(0);
    for (const text of texts) expect(io.written.stdout).toContain(text);
    expect(io.written.stderr).toBe('');
  });

  it.each([
    [[]],
    [['sevre']],
    [['serve', '--port', '1']],
    [['config']],
    [['config', 'chekc']],
    [['serve', 'x']],
    [['serve', '--config']],
  ])('%j is wrong usage', async (args) => {
    const { code, io } = await run(args);
    expect(code).toBe(2);
    expect(io.written.stderr).not.toBe('');
    expect(io.written.stdout).toBe('');
  });

  it('tells its version', async () => {
    const { code, io } = await run(['--version']);
    expect(code).toBe(0);
    expect(io.written.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('ends with 2 when the configuration is wrong', async () => {
    const { code, io } = await run(['serve'], { env: { ENGRAM_LISTENERS__0__PORT: 'x' } });
    expect(code).toBe(2);
    expect(io.written.stderr).toContain('listeners[0].port (ENGRAM_LISTENERS__0__PORT)');
  });
});

describe('config check', () => {
  it('shows what the configuration comes to, without secrets', async () => {
    writeFileSync(
      join(folder, 'engram.yaml'),
      'server_name: example.org\nregistration: { shared_secret: hunter2, tokens: [hunter2] }\n',
    );
    const { code, io } = await run(['config', 'check', '-c', 'engram.yaml'], {
      env: { ENGRAM_LOG__ADAPTER: 'lmdb' },
    });
    expect(code).toBe(0);
    expect(io.written.stdout).not.toContain('hunter2');
    const shown = parse(io.written.stdout) as Record<string, unknown>;
    expect(Object.keys(shown).sort()).toEqual(Object.keys(configSchema.properties ?? {}).sort());
    expect(shown).toMatchObject({
      server_name: 'example.org',
      registration: { shared_secret: '(hidden)', tokens: ['(hidden)'], recaptcha: null },
      log: { adapter: 'lmdb', url: null },
    });
    const json = await run(['config', 'check', '-c', 'engram.yaml', '--json']);
    expect(JSON.parse(json.io.written.stdout)).toEqual(shown);
  });

  it('tells every error and ends with 1', async () => {
    writeFileSync(join(folder, 'wrong.json'), '{"a": 1, "log": {"adaptor": "lmdb"}}');
    const { code, io } = await run(['config', 'check', '--config', 'wrong.json']);
    expect(code).toBe(1);
    expect(io.written.stdout).toBe('');
    expect(io.written.stderr).toContain('expected log.adapter, the nearest one');
    const json = await run(['config', 'check', '--config', 'wrong.json', '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.io.written.stdout)).toMatchObject({
      errors: [{ path: 'a' }, { path: 'log.adaptor' }],
    });
  });
});
