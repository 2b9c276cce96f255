import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** `schemas/records` of the package, wherever this file lies below it: under src/ or under dist/src/. */
export function recordSchemaFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('The package has no schemas/records folder.');
    folder = parent;
  }
  return join(folder, 'schemas', 'records');
}

/** A function that says what is wrong with data, or undefined when it fits. */
export type RecordValidator = (data: unknown) => string | undefined;

let compiled: ReadonlyMap<string, RecordValidator> | undefined;

/**
 * A validator for each `<type>.v<version>`. Compiled once for the process, some 50 ms; the files are part of the
 * program and do not change while it runs.
 */
export function recordValidators(): ReadonlyMap<string, RecordValidator> {
  if (compiled !== undefined) return compiled;
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, keywords: ['x-sealed'] });
  const folder = recordSchemaFolder();
  const validators = new Map<string, RecordValidator>();
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.json')) continue;
    const schema: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    if (typeof schema !== 'object' || schema === null) throw new Error(`${file} is not a schema.`);
    const validate: ValidateFunction = ajv.compile(schema);
    validators.set(file.slice(0, -'.json'.length), (data) =>
      validate(data) ? undefined : ajv.errorsText(validate.errors, { dataVar: 'data' }),
    );
  }
  compiled = validators;
  return validators;
}
