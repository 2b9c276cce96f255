import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { AnySchemaObject } from 'ajv';
import { expect } from 'vitest';

/** Formats that the specification names; its schemas carry patterns, so the names alone are enough. */
const FORMATS = [
  'mx-user-id',
  'mx-room-id',
  'mx-event-id',
  'mx-room-alias',
  'mx-server-name',
  'mx-mxc-uri',
  'mx-unpadded-base64',
  'mx-urlsafe-unpadded-base64',
  'event_id_only',
  'org.matrix.custom.html',
];

const document = JSON.parse(
  readFileSync(new URL('../fixtures/spec/client-server.openapi.json', import.meta.url), 'utf8'),
) as AnySchemaObject;

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
for (const name of FORMATS) ajv.addFormat(name, true);
ajv.addSchema(document, 'cs');

/**
 * Checks a response's body against the Client-Server API's own data.
 *
 * @param path as the specification writes it: `/_matrix/client/v3/rooms/{roomId}/state`
 */
export function expectSpecResponse(method: string, path: string, status: number, body: unknown): void {
  const validate = ajv.compile({ $ref: pointerTo(method, path, status) });
  expect(
    validate(body) ? [] : validate.errors,
    `${method} ${path} ${status}: ${JSON.stringify(body)}`,
  ).toEqual([]);
}

/** @throws {Error} where the specification knows no such operation or status */
function pointerTo(method: string, path: string, status: number): string {
  const steps = ['paths', path, method.toLowerCase(), 'responses', String(status)];
  const response = steps.reduce<AnySchemaObject | undefined>(
    (value, step) => value?.[step] as AnySchemaObject | undefined,
    document,
  );
  if (response === undefined)
    throw new Error(`The specification has no ${method} ${path} with status ${status}.`);
  const reference = response['$ref'] as string | undefined;
  const base = reference?.replace(/^#/, 'cs#') ?? `cs#/${steps.map(escape).join('/')}`;
  return `${base}/content/application~1json/schema`;
}

function escape(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** An operation of the Client-Server API as its own data describes it. */
export interface SpecOperation {
  readonly method: string;
  /** As the specification writes it: `/_matrix/client/v3/rooms/{roomId}/state`. */
  readonly path: string;
  readonly operationId: string;
  readonly operation: AnySchemaObject;
}

/** All operations of the Client-Server API. */
export function operations(): SpecOperation[] {
  const methods = new Set(['get', 'put', 'post', 'delete']);
  const paths = document['paths'] as Record<string, Record<string, AnySchemaObject>>;
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => methods.has(method))
      .map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        operationId: String(operation['operationId']),
        operation,
      })),
  );
}

/** What a reference inside the specification's data names: `#/components/schemas/auth_data`. */
export function resolveSpec(ref: string): AnySchemaObject {
  const steps = ref
    .slice('#/'.length)
    .split('/')
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'));
  const found = steps.reduce<AnySchemaObject | undefined>(
    (value, step) => value?.[step] as AnySchemaObject | undefined,
    document,
  );
  if (found === undefined) throw new Error(`The specification has no ${ref}.`);
  return found;
}
