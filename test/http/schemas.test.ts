import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MatrixError } from '../../src/protocol/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/protocol/json.js';
import { parseJson } from '../../src/protocol/strict-json.js';
import { schemas } from './support/app.js';

interface Parameter {
  $ref?: string;
  in: string;
  name: string;
  required?: boolean;
}

interface Operation {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: {
    content: Record<string, { schema: JsonObject; examples?: Record<string, { value: JsonObject }> }>;
  };
  'x-variants'?: Operation[];
}

const document = JSON.parse(
  readFileSync(new URL('../fixtures/spec/client-server.openapi.json', import.meta.url), 'utf8'),
) as JsonObject & { paths: Record<string, Record<string, Operation>> };

/** Our operations that the specification's data does not have: its prose, other APIs, and Synapse's. */
const NOT_IN_DATA = [
  'getWellknownServer',
  'getMetrics',
  'getHealth',
  'getAuthFallback',
  'postAuthFallback',
  'getRegistrationNonce',
  'registerWithSharedSecret',
  'inlineFilter',
  'sendMessageOnce',
  'peekRoom',
  'unpeekRoom',
  'getPushRulesOfKind',
  'unknownPushRules',
];

const operations = new Map<string, { path: string; operation: Operation }>();
for (const [path, methods] of Object.entries(document.paths)) {
  for (const operation of Object.values(methods)) {
    // Two operations that share method and path are joined in the data: `inviteBy3PID_or_inviteUser`.
    for (const id of [operation.operationId, ...operation.operationId.split('_or_')]) {
      operations.set(id, { path, operation });
    }
  }
}

function resolve<T extends { $ref?: string }>(value: T): T {
  if (value.$ref === undefined) return value;
  const steps = value.$ref.slice(2).split('/');
  return steps.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], document) as T;
}

const ours = schemas.operations();
const described = ours.filter(({ name }) => !NOT_IN_DATA.includes(name));

/** A value for each path parameter that our schemas accept. */
const GOOD: Record<string, string> = {
  roomId: '!r:x',
  userId: '@u:x',
  roomAlias: '#a:x',
  roomIdOrAlias: '#a:x',
  eventId: '$e',
  receiptType: 'm.read',
  kind: 'override',
};

const goodParams = (path: string) =>
  Object.fromEntries([...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, GOOD[name] ?? 'x']));

/** The refusal, or nothing where the input is accepted. */
function refused(check: () => unknown): MatrixError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof MatrixError) return error;
    throw error;
  }
}

describe('the input schemas of the client API', () => {
  it.each(described)('are of operations that the specification has: $name', ({ name }) => {
    expect(operations.has(name)).toBe(true);
  });

  it.each(described)(
    'take path and query parameters as the specification has them: $name',
    ({ module, name }) => {
      const { path = '', operation } = operations.get(name) ?? {};
      const checks = schemas.compile(module, name);
      expect(refused(() => checks.params(goodParams(path)))).toBeUndefined();
      const query = (operation?.parameters ?? [])
        .map(resolve)
        .filter((parameter) => parameter.in === 'query');
      for (const required of query.filter((parameter) => parameter.required === true)) {
        const others = Object.fromEntries(query.filter((p) => p !== required).map((p) => [p.name, '1']));
        expect(refused(() => checks.query(others))?.code).toBe('M_MISSING_PARAM');
      }
      const one = Object.fromEntries(query.map((parameter) => [parameter.name, '0']));
      // Whether it is allowed or not, every parameter is looked at.
      const error = refused(() => {
        expect(Object.keys(checks.query(one))).toEqual(expect.arrayContaining(Object.keys(one)));
      });
      if (error !== undefined) expect(error.message).toMatch(new RegExp(`^(${Object.keys(one).join('|')}) `));
    },
  );

  it.each(described)('accept the examples of the specification: $name', ({ module, name }) => {
    const checks = schemas.compile(module, name);
    const content = operations.get(name)?.operation.requestBody?.content['application/json'];
    expect(checks.hasBody, 'a body').toBe(content !== undefined);
    for (const { value } of Object.values(content?.examples ?? {})) {
      expect(refused(() => checks.body(value))?.message).toBeUndefined();
    }
  });

  it('answer every body with acceptance or a refusal, never with a fault', () => {
    const bodies = ours
      .map(({ module, name }) => schemas.compile(module, name))
      .filter((checks) => checks.hasBody);
    const names = fc.constantFrom(
      'auth',
      'user_id',
      'room',
      'type',
      'identifier',
      '__proto__',
      'constructor',
      'invite',
    );
    const anything = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.boolean(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(names, fc.string()), tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(anything, (value) => {
        const body = parseJson(JSON.stringify(value));
        if (!isJsonObject(body)) return;
        const before = JSON.stringify(body);
        for (const checks of bodies) {
          const error = refused(() => checks.body(body));
          if (error !== undefined) expect(error.status).toBe(400);
        }
        expect(JSON.stringify(body)).toBe(before);
      }),
      { numRuns: 200 },
    );
  });

  it('are strict where it matters', () => {
    const body = (module: string, name: string, value: JsonObject) =>
      refused(() => schemas.compile(module, name).body(value))?.code;
    expect(body('membership', 'inviteUser', {})).toBe('M_MISSING_PARAM');
    expect(body('membership', 'inviteUser', { medium: 'email', address: 'a@b.c' })).toBe('M_MISSING_PARAM');
    expect(body('membership', 'kick', { user_id: 'bob' })).toBe('M_INVALID_PARAM');
    expect(body('typing', 'setTyping', { typing: true, timeout: 1.5 })).toBe('M_BAD_JSON');
    expect(body('typing', 'setTyping', { typing: true, timeout: -1 })).toBe('M_INVALID_PARAM');
    expect(body('typing', 'setTyping', { typing: 'yes' })).toBe('M_BAD_JSON');
    expect(body('filter', 'defineFilter', { room: { timeline: { limit: '5' } } })).toBe('M_BAD_JSON');
    expect(body('filter', 'defineFilter', { room: { timeline: { senders: ['bob'] } } })).toBe(
      'M_INVALID_PARAM',
    );
    expect(body('filter', 'defineFilter', { event_format: 'xml' })).toBe('M_INVALID_PARAM');
    expect(body('presence', 'setPresence', { presence: 'busy' })).toBe('M_INVALID_PARAM');
    expect(body('devices', 'deleteDevices', { auth: { session: 'x' } })).toBeUndefined();
    expect(body('devices', 'deleteDevices', { auth: {} })).toBe('M_MISSING_PARAM');
    expect(body('receipts', 'postReceipt', { thread_id: '' })).toBe('M_INVALID_PARAM');
    expect(body('tags', 'setRoomTag', { order: 0.25, 'org.example.x': 1 })).toBeUndefined();
  });

  it('fail at start where an operation is not known', () => {
    expect(() => schemas.compile('sync', 'nothing')).toThrow(/no operation nothing/);
    expect(() => schemas.compile('nothing', 'sync')).toThrow(/no operation sync/);
  });
});
