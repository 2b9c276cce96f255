// What is compared: commits, each built in a work tree of its own outside the repository, and configurations of what
// is built here.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CONFIGURATION = 'env:';

/**
 * `env:ENGRAM_X=1,ENGRAM_Y=2` is the build that is here with these variables (`env:` alone: without any), everything
 * else a commit by any of its names.
 *
 * @returns `root`, `environment`, and `remove`, which deletes what was made for it
 */
export function openVariant(name, root) {
  if (name.startsWith(CONFIGURATION)) {
    const environment = Object.fromEntries(
      name
        .slice(CONFIGURATION.length)
        .split(',')
        .filter((text) => text !== '')
        .map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
    );
    return { name, root, environment, remove: () => undefined };
  }
  return { name, environment: {}, ...builtCommit(name, root) };
}

/** A commit's program in a temporary work tree, with the packages that are installed here. */
function builtCommit(commit, root) {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  const id = git('rev-parse', '--verify', `${commit}^{commit}`);
  const folder = mkdtempSync(join(tmpdir(), 'engram-bench-commit-'));
  const tree = join(folder, id.slice(0, 10));
  const remove = () => {
    process.off('exit', remove);
    rmSync(folder, { recursive: true, force: true });
    git('worktree', 'prune');
  };
  process.once('exit', remove);
  try {
    git('worktree', 'add', '--detach', tree, id);
    symlinkSync(realpathSync(join(root, 'node_modules')), join(tree, 'node_modules'));
    warnOfOtherPackages(commit, tree, root);
    const compiler = join('node_modules', 'typescript', 'bin', 'tsc');
    execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: tree, stdio: 'inherit' });
    writeFileSync(join(tree, 'dist', 'main.js'), "import './src/main.js';\n");
    return { root: tree, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function warnOfOtherPackages(commit, tree, root) {
  const [there, here] = [tree, root].map((folder) => readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  if (there !== here)
    console.error(`${commit} has other packages; it is measured with those installed here.`);
}
