import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { Schemas } from '../../src/http/schemas.js';
import { recordValidators } from '../../src/log/schemas.js';

const FOLDER = join(import.meta.dirname, '..', '..', 'schemas');

/** The program takes its schemas for good and compiles them when they are needed: here is where they are checked. */
describe('schemas', () => {
  const ajv = new Ajv2020({ strict: false });
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.json') && file !== 'config.json',
  );

  it.each(files)('%s is a JSON Schema', (file) => {
    const schema = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as object;
    expect(ajv.validateSchema(schema), ajv.errorsText()).toBe(true);
  });

  const apis = readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'records')
    .map(({ name }) => name);

  it.each(apis)('every operation of %s compiles', (api) => {
    const schemas = new Schemas(api);
    for (const { module, name } of schemas.operations()) {
      const checks = schemas.compile(module, name);
      // What is asked for is compiled when it is asked to check something, which then fits or is refused.
      for (const part of ['params', 'query', 'body'] as const) {
        try {
          checks[part]({});
        } catch (error) {
          expect(error, `${module} ${name} ${part}`).toMatchObject({ name: 'MatrixError' });
        }
      }
    }
  });

  it('every record compiles', () => {
    for (const [record, fits] of recordValidators()) {
      expect(() => fits({}), record).not.toThrow();
    }
  });
});
