import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';

const MAIN = join(import.meta.dirname, '..', '..', 'bench', 'main.mjs');

/** Measures nothing but that it can be measured: no time is asserted. */
function bench(...args: string[]): Promise<{ code: number | string; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { timeout: 110_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? 'killed'), stdout, stderr });
    });
  });
}

interface Report {
  readonly machine: { readonly cores: number; readonly node: string; readonly commit: string };
  readonly results?: readonly { name: string; figures?: Record<string, number>; missing?: string }[];
  readonly compared?: {
    readonly results: readonly { row: string; figure: string; a: number[]; b: number[] }[];
  };
}

describe('npm run bench', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let json: string;
  beforeEach(() => {
    folder = temporaryFolder();
    json = join(folder.path, 'report.json');
  });
  afterEach(() => {
    folder.remove();
  });
  const report = () => JSON.parse(readFileSync(json, 'utf8')) as Report;

  it('measures the sends of a server, prints them beside their goals, and writes JSON', async () => {
    const { code, stdout, stderr } = await bench(
      '--small',
      '--only',
      'sends',
      '--seconds',
      '0.2',
      '--json',
      json,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('A quick pass');
    expect(stdout).toMatch(
      /\| sends\/s in one room, 10 clients \| [0-9,.]+ sends\/s, p50 .* \| ≥ 4,000 sends\/s/,
    );
    const { machine, results = [] } = report();
    expect(machine).toMatchObject({ node: process.version });
    const measured = results.filter(({ name }) => !name.startsWith('sends-esdb'));
    expect(measured.map(({ name }) => name)).toEqual(['sends-1', 'sends-10', 'sends-100']);
    for (const { figures } of measured) expect(figures?.['sends/s']).toBeGreaterThan(0);
  }, 120_000);

  it('makes the data that a row needs', async () => {
    const { code, stderr } = await bench('--scale', '0.01', '--only', 'state-kept', '--json', json);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Making data: bigRoom .*\n$/);
    const [row] = report().results ?? [];
    expect(row?.figures).toMatchObject({ 'per message (bytes)': 0 });
    expect(row?.figures?.['per state change (bytes)']).toBeGreaterThan(0);
    expect(row?.figures?.["events' JSON (bytes/event)"]).toBeGreaterThan(0);
  }, 120_000);

  it('compares two configurations in alternation', async () => {
    const configurations = ['env:', 'env:ENGRAM_LIMITS__REQUESTS_AT_ONCE=2'];
    const few = ['--only', 'sends-1', '--seconds', '0.1', '--rounds', '2', '--json', json];
    const { code, stdout } = await bench('--compare', ...configurations, ...few);
    expect(code).toBe(0);
    expect(stdout).toContain('Mann-Whitney');
    const rates = report().compared?.results.find(({ figure }) => figure === 'sends/s');
    expect([rates?.a.length, rates?.b.length]).toEqual([2, 2]);
  }, 120_000);

  it.each([
    [['--only', 'sends-7'], /no row sends-7/],
    [['--compare', 'HEAD'], /Two are compared/],
    [['--seconds', 'few'], /number above 0/],
  ])('says what is wrong with %j', async (args, sentence) => {
    const { code, stderr } = await bench(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(sentence);
  });
});
