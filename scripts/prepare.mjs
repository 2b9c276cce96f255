// What `npm start` and `npm test` share: install and build, each only when it is needed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const path = (...parts) => join(root, ...parts);

export function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (done.error) console.error(done.error.message);
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/** The folders that dist/ mirrors. */
const COMPILED = ['src', 'projections', 'schemas'];

/** A hash of the contents of files at the top. */
function contents(...files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(path(file))).update('\0');
  return hash.digest('hex');
}

/** The files below a folder, sorted; none where there is no folder. */
function filesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Engram needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(2);
}

/** Whether node_modules is what the lock file says: npm notes in a file of its own what it has installed. */
function isInstalled() {
  const noted = path('node_modules', '.package-lock.json');
  if (!existsSync(noted)) return false;
  const [wanted, found] = [path('package-lock.json'), noted].map(
    (file) => JSON.parse(readFileSync(file, 'utf8')).packages,
  );
  const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  names.delete('');
  return [...names].every((name) => {
    // What is optional may be missing: it is for other machines.
    if (found[name] === undefined) return wanted[name].optional === true || wanted[name].devOptional === true;
    return found[name].version === wanted[name]?.version && found[name].integrity === wanted[name].integrity;
  });
}

/** `npm ci` when node_modules is not what the lock file says. */
export function install() {
  checkNode();
  if (isInstalled()) return;
  console.error('Installing what Engram is built with ...');
  // Compiling takes the development tools, whatever NODE_ENV says.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  if (npm !== undefined && basename(npm) === 'npm-cli.js') run(process.execPath, [npm, ...args]);
  else run('npm', args, { shell: process.platform === 'win32' });
}

/** What a build is made from: sources by time and size, the tool chain by content. */
function buildKey() {
  const hash = createHash('sha256').update(
    contents('tsconfig.json', 'tsconfig.build.json', 'package-lock.json'),
  );
  for (const file of COMPILED.flatMap((folder) => filesIn(path(folder)))) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

/**
 * Compiles to dist/ when something is not that of the last build. The stamp goes before the work and comes back only
 * after success, so that what is half done is never taken for done.
 */
export function build() {
  const stamp = path('dist', '.built');
  const key = buildKey();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  console.error('Building Engram ...');
  rmSync(stamp, { force: true });
  // What the compiler remembers of the last build is worth nothing when somebody has cleared away its output.
  if (!existsSync(path('dist', 'main.js'))) rmSync(path('dist'), { recursive: true, force: true });
  removeStale();
  run(process.execPath, [
    path('node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    path('tsconfig.build.json'),
  ]);
  // src/ and projections/ share one root, so the program itself lies in dist/src.
  writeFileSync(path('dist', 'main.js'), "#!/usr/bin/env node\nimport './src/main.js';\n", { mode: 0o755 });
  writeFileSync(stamp, key);
}

/** Takes out of dist/ what was compiled from a source that is gone. */
function removeStale() {
  for (const file of COMPILED.flatMap((folder) => filesIn(path('dist', folder)))) {
    const source = path(relative(path('dist'), file)).replace(/\.js(\.map)?$/, '.ts');
    if (!existsSync(source)) rmSync(file);
  }
}
