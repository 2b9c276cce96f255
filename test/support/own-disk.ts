import { execFileSync } from 'node:child_process';
import { temporaryFolder } from './folder.js';

/** Why a test cannot have a disk of its own here, or undefined where it can. */
export function noOwnDisk(): string | undefined {
  if (process.platform !== 'linux') return 'mounting is for Linux';
  const folder = temporaryFolder();
  try {
    mount(folder.path, 1);
    unmount(folder.path);
    return undefined;
  } catch {
    return 'mounting takes root';
  } finally {
    folder.remove();
  }
}

/** A small disk in memory. */
export interface OwnDisk {
  readonly path: string;
  /** To so many MiB, larger or smaller. */
  resize(mebibytes: number): void;
  remove(): void;
}

/** @throws Error where `noOwnDisk` says why */
export function ownDisk(mebibytes: number): OwnDisk {
  const folder = temporaryFolder();
  mount(folder.path, mebibytes);
  return {
    path: folder.path,
    resize: (to) => {
      execFileSync('mount', ['-o', `remount,size=${to}m`, folder.path], { stdio: 'ignore' });
    },
    remove: () => {
      unmount(folder.path);
      folder.remove();
    },
  };
}

/** Shows a folder at another place, where nothing can be written to it. */
export function showReadOnly(folder: string, at: string): { remove(): void } {
  execFileSync('mount', ['--bind', folder, at], { stdio: 'ignore' });
  execFileSync('mount', ['-o', 'remount,bind,ro', at], { stdio: 'ignore' });
  return {
    remove: () => {
      unmount(at);
    },
  };
}

function mount(path: string, mebibytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'tmpfs', path], {
    stdio: 'ignore',
  });
}

function unmount(path: string): void {
  execFileSync('umount', ['-l', path], { stdio: 'ignore' });
}
