import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

describe('the dependencies', () => {
  it('are under licences that are on our list, each with a hash', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'licences.mjs')], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^MIT\tfastify 5/m);
  });

  it('are named by exact versions', () => {
    const named = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const all = Object.entries({
      ...named['dependencies'],
      ...named['devDependencies'],
      ...named['overrides'],
    });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});
