import { stringify } from 'yaml';
import { ConfigError, loadConfig } from '../config.js';
import { child, configSchema, type ConfigSchema } from '../config/schema.js';
import { EXIT, type Io } from './io.js';

/** `engram config check`: every error of the configuration, or what it comes to, secrets hidden. */
export async function configCheck(
  options: { readonly config?: string; readonly json?: boolean },
  io: Io,
): Promise<number> {
  try {
    const config = hideSecrets(loadConfig({ file: options.config, env: io.env, cwd: io.cwd }), configSchema);
    io.stdout.write(options.json === true ? `${JSON.stringify(config, null, 2)}\n` : stringify(config));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (options.json === true) io.stdout.write(`${JSON.stringify({ errors: error.problems }, null, 2)}\n`);
    else io.stderr.write(`${error.message}\n`);
    return EXIT.failed;
  }
}

function hideSecrets(value: unknown, schema: ConfigSchema | undefined): unknown {
  if (schema === undefined || value === null) return value;
  if (schema.writeOnly === true) return '(hidden)';
  if (Array.isArray(value)) return value.map((item: unknown) => hideSecrets(item, schema.items));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, hideSecrets(inner, child(schema, key))]),
  );
}
