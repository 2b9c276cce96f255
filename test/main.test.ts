import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The program as it is built: `npm test` builds before it tests. */
const MAIN = join(import.meta.dirname, '..', 'dist', 'main.js');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'engram-main-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly written: { stdout: string; stderr: string };
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

function start(args: string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ENGRAM_LISTENERS__0__PORT: '0', ...env },
  });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (code, signal) => {
      resolve(code ?? signal);
    });
  });
  return { child, written, ended };
}

describe('the program', () => {
  it('explains itself', async () => {
    const { written, ended } = start(['--help']);
    expect(await ended).toBe(0);
    expect(written.stdout).toContain('serve');
  });

  it('ends with 2 when it is used wrongly', async () => {
    const { written, ended } = start(['sevre']);
    expect(await ended).toBe(2);
    expect(written.stderr).toContain('Did you mean serve?');
  });

  it('reads its environment', async () => {
    const { written, ended } = start(['config', 'check', '--json']);
    expect(await ended).toBe(0);
    expect(JSON.parse(written.stdout)).toMatchObject({
      data_dir: join(folder, 'data'),
      listeners: [{ port: 0 }],
    });
  });

  /** Where it serves, once it says so. */
  function served({ child, written, ended }: Running): Promise<string> {
    return new Promise<string>((resolve, reject) => {
      child.stdout?.on('data', () => {
        const found = /http:\/\/127\.0\.0\.1:[0-9]+/.exec(written.stdout)?.[0];
        if (found !== undefined) resolve(found);
      });
      void ended.then((code) => {
        reject(new Error(`It ended with ${code ?? 'nothing'}: ${written.stderr}`));
      });
    });
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, and ends cleanly', async (signal) => {
    const program = start(['serve']);
    const url = await served(program);
    expect((await fetch(`${url}/_matrix/client/versions`)).status).toBe(200);
    program.child.kill(signal);
    expect(await program.ended).toBe(0);
    expect(program.written.stdout).toMatch(/node .*dist\/main\.js user create NAME/);
  });

  it('serves while the server of its read models is away, and ends cleanly', async () => {
    const program = start(['serve'], {
      ENGRAM_READ_MODELS__ADAPTER: 'mongodb',
      ENGRAM_READ_MODELS__URL: 'mongodb://engram:s3cret@127.0.0.1:9/?serverSelectionTimeoutMS=100',
      ENGRAM_REGISTRATION__ENABLED: 'true',
    });
    const url = await served(program);
    const body = JSON.stringify({
      username: 'alice',
      auth: { type: 'm.login.dummy' },
      password: 'a password',
    });
    const registered = await fetch(`${url}/_matrix/client/v3/register`, { method: 'POST', body });
    expect(registered.status).toBe(200);
    const { access_token: token } = (await registered.json()) as { access_token: string };
    const headers = { authorization: `Bearer ${token}` };
    const room = await fetch(`${url}/_matrix/client/v3/createRoom`, { method: 'POST', headers, body: '{}' });
    expect(room.status).toBe(200);
    program.child.kill('SIGTERM');
    expect(await program.ended).toBe(0);
    const { stdout, stderr } = program.written;
    expect(stderr).toContain('connect ECONNREFUSED 127.0.0.1:9');
    expect(stdout + stderr).not.toContain('s3cret');
  });
});
