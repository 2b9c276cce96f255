// What `npm start` and `npm test` share: install and build, each only when it is needed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const path = (...parts) => join(root, ...parts);

export function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/** Calls `work` unless the stamp file already holds `key`; a stamp is written only after success. */
function once(stamp, key, work) {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  work();
  mkdirSync(join(stamp, '..'), { recursive: true });
  writeFileSync(stamp, key);
}

function sources(folder) {
  return readdirSync(path(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** `npm ci` when the lock file is not the one that node_modules was installed from. */
export function install() {
  const key = createHash('sha256').update(readFileSync(path('package-lock.json'))).digest('hex');
  once(path('node_modules', '.engram-installed'), key, () => {
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  });
}

/** Compiles to dist/ when a source is newer than, or unknown to, the last build. */
export function build() {
  const files = [...sources('src'), ...sources('projections'), path('tsconfig.json'), path('tsconfig.build.json')];
  const hash = createHash('sha256');
  for (const file of files) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  once(path('dist', '.built'), hash.digest('hex'), () => {
    run(process.execPath, [path('node_modules', 'typescript', 'bin', 'tsc'), '-p', path('tsconfig.build.json')]);
    // src/ and projections/ share one root, so the program itself lies in dist/src.
    writeFileSync(path('dist', 'main.js'), "#!/usr/bin/env node\nimport './src/main.js';\n", { mode: 0o755 });
  });
}
