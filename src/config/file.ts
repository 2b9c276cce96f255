import { readFileSync, statSync } from 'node:fs';
import { LineCounter, parseAllDocuments } from 'yaml';
import type { ConfigProblem } from './problems.js';

const MAX_BYTES = 1024 * 1024;
/** An alias may be used for what is said twice; the document it unfolds to stays small. */
const MAX_ALIASES = 100;

export interface ReadDocument {
  readonly value: unknown;
  readonly problems: readonly ConfigProblem[];
}

/**
 * Reads a configuration file: YAML 1.2, of which JSON is a part. Duplicate keys, unknown tags and documents that
 * unfold without bound are problems; messages have line and column, and nothing of the text, which may be secret.
 */
export function readConfigFile(file: string): ReadDocument {
  const expected = 'a readable YAML or JSON file';
  let text: string;
  try {
    if (statSync(file).size > MAX_BYTES) return wrong(file, `more than ${MAX_BYTES} bytes`, expected);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return wrong(file, error instanceof Error ? error.message : 'no file', expected);
  }
  return parseConfig(text, file);
}

/** Parses a configuration's text; `source` names it in problems. */
export function parseConfig(text: string, source: string): ReadDocument {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { prettyErrors: false, lineCounter: lines, stringKeys: true });
  // Nothing but blanks and comments: nothing is configured.
  if (!Array.isArray(documents) || documents.length === 0) return { value: {}, problems: [] };
  if (documents.length > 1) return wrong(source, `${documents.length} documents`, 'one');
  const [document] = documents;
  if (document === undefined) return { value: {}, problems: [] };
  const errors = [...document.errors, ...document.warnings];
  const problems = errors.map(({ code, message, pos }): ConfigProblem => {
    const { line, col } = lines.linePos(pos[0]);
    const found = `at line ${line}, column ${col}: ${message}`;
    return { path: '', source, found, expected: code === 'DUPLICATE_KEY' ? 'each key once' : 'YAML or JSON' };
  });
  // A key given twice leaves the rest of the document readable, so that its other errors can be told, too.
  if (errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return { value: undefined, problems };
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { value: value ?? {}, problems };
  } catch (error) {
    const found = error instanceof Error ? error.message : 'text that cannot be read';
    return wrong(source, found, 'YAML or JSON');
  }
}

function wrong(source: string, found: string, expected: string): ReadDocument {
  return { value: undefined, problems: [{ path: '', source, found, expected }] };
}
