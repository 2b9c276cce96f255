import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { AnySchemaObject, ValidateFunction } from 'ajv';
import { expect } from 'vitest';
import { eventFaults } from './spec-events.js';

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
) as AnySchemaObject & { readonly paths: Readonly<Record<string, AnySchemaObject>> };

// A whole event is an object too, so its content or the event is not the one or the other alone.
const stateAnswer = schemaOf('/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}', 'get', 200);
stateAnswer['anyOf'] = stateAnswer['oneOf'] as unknown;
delete stateAnswer['oneOf'];

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
for (const name of FORMATS) ajv.addFormat(name, true);
ajv.addSchema(document, 'cs');

const validators = new Map<string, ValidateFunction>();

function validatorAt(pointer: string): ValidateFunction {
  const known = validators.get(pointer);
  if (known !== undefined) return known;
  const validate = ajv.compile({ $ref: pointer });
  validators.set(pointer, validate);
  return validate;
}

/**
 * Where an answer is known to be more than the specification's schema lets it be: what of it is held against that.
 * `docs/conformance.md` says the same in words.
 */
const DIFFERENCES: Readonly<Record<string, (body: Json) => unknown>> = {
  // Presence, typing, receipts and account data are in the stream, as they were before it was deprecated.
  'GET /_matrix/client/v3/events': (body) => ({
    ...body,
    chunk: (body['chunk'] as readonly Json[]).filter((event) => 'event_id' in event),
  }),
  // What a member does not have is null.
  'GET /_matrix/client/v3/rooms/{roomId}/joined_members': (body) => ({
    joined: Object.fromEntries(
      Object.entries(body['joined'] as Json).map(([userId, member]) => [
        userId,
        withoutNulls(member as Json),
      ]),
    ),
  }),
};

type Json = Readonly<Record<string, unknown>>;

function withoutNulls(value: Json): Json {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

/**
 * Holds any answer of the client API against the specification's data: a success against the schema of its operation,
 * everything else against that of errors; and the events in it against those of their types.
 *
 * @param url of the request; what the specification does not know is let pass
 */
export function expectSpecAnswer(method: string, url: string, status: number, body: unknown): void {
  const path = operationPath(method, url);
  const name = `${method} ${path ?? url} ${status}`;
  const faults = path === undefined ? [] : answerFaults(method, path, status, body);
  expect([...faults, ...eventFaults(body)], `${name}: ${JSON.stringify(body)}`).toEqual([]);
}

function answerFaults(method: string, path: string, status: number, body: unknown): readonly unknown[] {
  if (status >= 400) return errorFaults(status, body);
  const adjust = DIFFERENCES[`${method} ${path}`] ?? ((whole: Json) => whole);
  const validate = validatorAt(pointerTo(method, path, status));
  return validate(adjust(body as Json)) ? [] : (validate.errors ?? []);
}

/** Standard error response; User-interactive API in the REST API; Rate limiting. */
function errorFaults(status: number, body: unknown): readonly unknown[] {
  const { errcode, error } = body as Json;
  if (status === 401 && errcode === undefined) return faultsBy('auth_response', body);
  // A code that is not of the specification has its author's name before it (MSC2815: FI.MAU.MSC2815_...).
  if (typeof errcode !== 'string' || !/^(?:[A-Z][A-Z0-9]*\.)*[A-Z][A-Z0-9]*(?:_[A-Z]+)*$/.test(errcode))
    return [`errcode is ${String(errcode)}`];
  if (typeof error !== 'string' || error === '') return [`error is ${String(error)}`];
  return faultsBy(status === 429 ? 'rate_limited' : 'error', body);
}

function faultsBy(schema: string, body: unknown): readonly unknown[] {
  const validate = validatorAt(`cs#/components/schemas/${schema}`);
  return validate(body) ? [] : (validate.errors ?? []);
}

/**
 * Checks a response's body against the Client-Server API's own data.
 *
 * @param path as the specification writes it: `/_matrix/client/v3/rooms/{roomId}/state`
 */
export function expectSpecResponse(method: string, path: string, status: number, body: unknown): void {
  const validate = validatorAt(pointerTo(method, path, status));
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

function schemaOf(path: string, method: string, status: number): AnySchemaObject {
  const steps = [path, method, 'responses', String(status), 'content', 'application/json', 'schema'];
  return steps.reduce<AnySchemaObject>((value, step) => value[step] as AnySchemaObject, document.paths);
}

function escape(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** Paths of the specification, those with fewer parameters first. */
const TEMPLATES = Object.keys(document.paths)
  .map((path) => ({ path, parameters: path.split('{').length - 1, pattern: patternOf(path) }))
  .sort((a, b) => a.parameters - b.parameters);

function patternOf(path: string): RegExp {
  const text = path
    .replaceAll('.', '\\.')
    .replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === 'stateKey' ? '[^/]*' : '[^/]+'));
  return new RegExp(`^${text}$`);
}

/** The path, as the specification writes it, of the operation that a request asks for. */
function operationPath(method: string, url: string): string | undefined {
  const path = (url.split('?')[0] ?? '').replace(/^\/_matrix\/client\/r0\//, '/_matrix/client/v3/');
  // An empty state key may be left out, and the slash before it.
  for (const candidate of [path, `${path}/`]) {
    const found = TEMPLATES.find(
      (template) =>
        template.pattern.test(candidate) &&
        document.paths[template.path]?.[method.toLowerCase()] !== undefined,
    );
    if (found !== undefined) return found.path;
  }
  return undefined;
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
