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
 * A validator for each `<type>.v<version>`, compiled when it is first needed (some ms): the files are part of the
 * program, which a test checks (test/architecture/schemas.test.ts), and do not change while it runs.
 */
export function recordValidators(): ReadonlyMap<string, RecordValidator> {
  if (compiled !== undefined) return compiled;
  const ajv = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    keywords: ['x-sealed'],
    validateSchema: false,
  });
  const folder = recordSchemaFolder();
  const validators = new Map<string, RecordValidator>();
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.json')) continue;
    const schema: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    if (typeof schema !== 'object' || schema === null) throw new Error(`${file} is not a schema.`);
    let validate: ValidateFunction | undefined;
    validators.set(file.slice(0, -'.json'.length), (data) => {
      validate ??= ajv.compile(schema);
      return validate(data) ? undefined : ajv.errorsText(validate.errors, { dataVar: 'data' });
    });
  }
  compiled = validators;
  return validators;
}
