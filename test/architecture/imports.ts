import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '..', '..');

/** A source file and what it imports, types included. */
export interface SourceFile {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly lines: number;
  readonly generated: boolean;
  /** Paths of files of ours; names of packages, `node:` ones included. */
  readonly imports: readonly string[];
}

/** Every TypeScript file of the program. */
export function sourceFiles(): SourceFile[] {
  return ['src', 'projections']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return {
        path,
        lines: text.trimEnd().split('\n').length,
        generated: text.startsWith('// Generated from '),
        imports: importsOf(path, text),
      };
    });
}

/** What a file's text imports: static, dynamic, re-exported, and types. */
export function importsOf(path: string, text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => target(path, fileName));
}

function target(from: string, specifier: string): string {
  if (specifier.startsWith('.')) {
    return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
  }
  if (specifier.startsWith('node:')) return specifier;
  // @scope/name/part and name/part are of the package.
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Whether an import is a file of ours. */
export function isOurs(imported: string): boolean {
  return (
    /^(src|projections|schemas|test|bench|scripts|console)\//.test(imported) || imported.startsWith('..')
  );
}

/** The files of one cycle of imports, the first again at the end; or undefined where there is none. */
export function findCycle(files: readonly Pick<SourceFile, 'path' | 'imports'>[]): string[] | undefined {
  const imports = new Map(files.map((file) => [file.path, file.imports]));
  const finished = new Set<string>();
  const way: string[] = [];
  const visit = (path: string): string[] | undefined => {
    if (finished.has(path)) return undefined;
    const at = way.indexOf(path);
    if (at !== -1) return [...way.slice(at), path];
    way.push(path);
    for (const next of imports.get(path) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    way.pop();
    finished.add(path);
    return undefined;
  };
  for (const { path } of files) {
    const cycle = visit(path);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** The folder that a file counts to in the table: `src/http`, `projections`, `src/config.ts` and src/config/ alike. */
export function areaOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  return top === 'src' ? `src/${second.replace(/\.ts$/, '')}` : dirname(path) === '.' ? path : top;
}
