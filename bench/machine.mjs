// What a measurement was made on.
import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { latencies } from './statistics.mjs';

const WRITES = 300;

/** Milliseconds that 4 kB at a file's end take to the disk of the temporary folder. */
export function flushLatency() {
  const folder = mkdtempSync(join(tmpdir(), 'engram-bench-'));
  const file = openSync(join(folder, 'file'), 'w');
  try {
    const page = Buffer.alloc(4096, 1);
    const times = Array.from({ length: WRITES }, () => {
      const began = performance.now();
      writeSync(file, page);
      fdatasyncSync(file);
      return performance.now() - began;
    });
    return latencies(times);
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** The commit of a work tree; whether it has changes that are in none. */
export function commitOf(root) {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    const changed = git('status', '--porcelain') !== '';
    return `${git('rev-parse', '--short=10', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}

/** @param root the folder with package.json */
export function machine(root) {
  const { dependencies, version } = read(join(root, 'package.json'));
  const packages = Object.keys(dependencies).map((name) => {
    const installed = read(join(root, 'node_modules', name, 'package.json'));
    return [name, installed.version];
  });
  return {
    date: new Date().toISOString(),
    cores: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    memory_mb: Math.round(totalmem() / 1e6),
    kernel: `${type()} ${release()}`,
    flush: flushLatency(),
    node: process.version,
    engram: version,
    commit: commitOf(root),
    packages: Object.fromEntries(packages),
  };
}

/** For people. */
export function machineText(facts) {
  const { cores, model, kernel, flush, node, commit, packages } = facts;
  const named = ['fastify', 'lmdb'].map((name) => `${name} ${packages[name]}`).join(', ');
  return [
    `${cores} cores (${model}), ${kernel}; fdatasync of 4 kB: p50 ${flush['p50 (ms)'].toFixed(2)} ms, p99 ${flush['p99 (ms)'].toFixed(2)} ms`,
    `Node ${node}, ${named}; Engram at ${commit}`,
  ].join('\n');
}
