import { dirname, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { checkConfig } from './config/checks.js';
import { applyOverride, readEnvironment } from './config/environment.js';
import { readConfigFile } from './config/file.js';
import { resolvePaths } from './config/paths.js';
import { ConfigError, problemsOf, type ConfigProblem } from './config/problems.js';
import { configSchema, pathText } from './config/schema.js';
import type { Config } from './config/types.js';
import { isServerName, parseServerName } from './protocol/server-names.js';

export type { Config, Listener } from './config/types.js';
export { ConfigError, type ConfigProblem } from './config/problems.js';

const ajv = new Ajv({ allErrors: true, useDefaults: true, allowUnionTypes: true, verbose: true });
ajv.addVocabulary(['unit', 'expected']);
ajv.addFormat('server-name', isServerName);
ajv.addFormat('http-url', isHttpUrl);
ajv.addFormat('path', (text: string) => !text.includes('\0'));

/** Fills in defaults, in place. Compiled when first needed: most of what the program can do starts here. */
const validate = ajv.compile<Config>(configSchema);

/**
 * The configuration: what the environment says, then what the file says, then the schema's defaults. Paths in it
 * are absolute: those from the file are taken relative to its folder, all others relative to `cwd`.
 *
 * @throws ConfigError with everything that is wrong.
 */
export function loadConfig(options: {
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}): Config {
  const { env, cwd } = options;
  const problems: ConfigProblem[] = [];
  const sources = new Map<string, string>();

  let document: Record<string, unknown> = {};
  if (options.file !== undefined) {
    const file = resolve(cwd, options.file);
    const read = readConfigFile(file);
    problems.push(...read.problems);
    const value = resolvePaths(read.value, dirname(file));
    if (isObject(value)) document = value;
    else if (value !== undefined) {
      problems.push({
        path: '',
        source: file,
        found: 'no keys and values',
        expected: 'keys such as server_name',
      });
    }
  }

  const environment = readEnvironment(env);
  problems.push(...environment.problems);
  for (const override of environment.overrides) {
    const problem = applyOverride(document, override);
    if (problem === undefined) sources.set(pathText(override.path), override.variable);
    else problems.push(problem);
  }

  const config: unknown = document;
  if (!validate(config)) throw new ConfigError([...problems, ...problemsOf(validate.errors ?? [], sources)]);
  const resolved = resolvePaths(config, cwd) as Config;
  problems.push(...checkConfig(resolved, sources));
  if (problems.length > 0) throw new ConfigError(problems);
  return resolved;
}

/** The URL at which clients reach the server, without a slash at its end. */
export function publicBaseUrl(config: Config): string {
  if (config.public_baseurl !== null) return config.public_baseurl.replace(/\/+$/, '');
  const listener = config.listeners.find(({ resources }) => resources.includes('client'));
  if (listener === undefined || parseServerName(config.server_name)?.hostname !== 'localhost') {
    return `https://${config.server_name}`;
  }
  return `${listener.tls === null ? 'http' : 'https'}://localhost:${listener.port}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** No user and password: they would be shown to clients. */
function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}
