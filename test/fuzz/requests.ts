import type { AnySchemaObject } from 'ajv';
import type { Route } from '../../src/http/route.js';
import type { SpecOperation } from '../support/spec.js';
import type { Dice } from './dice.js';
import type { Pool } from './pool.js';
import type { Values } from './values.js';

/** A request as it goes out. */
export interface FuzzRequest {
  /** Names what it is a request to, for the message of a test that fails. */
  readonly to: string;
  readonly method: string;
  readonly url: string;
  readonly payload?: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** What can be asked for: an operation of the specification, or a route of ours that is not in it. */
export interface Target {
  readonly name: string;
  readonly method: string;
  readonly template: string;
  readonly operation?: AnySchemaObject;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: AnySchemaObject;
}

/** Every operation of the specification, and every path of every route that it does not have. */
export function targets(operations: readonly SpecOperation[], routes: readonly Route[]): Target[] {
  const known = new Set(operations.map(({ method, path }) => `${method} ${shape(path)}`));
  const own = routes.flatMap(({ name, method, paths }) =>
    paths
      .filter((template) => !known.has(`${method} ${shape(template)}`))
      .map((template) => ({ name, method, template })),
  );
  const specified = operations.map(({ operationId, method, path, operation }) => ({
    name: operationId,
    method,
    template: path,
    operation,
  }));
  return [...specified, ...own];
}

/** A path but for what its parameters are called. */
export function shape(template: string): string {
  return template.replaceAll(/\{\w+\}/g, '{}');
}

/** Makes requests: what the specification has, with something wrong in every few of them. */
export class Requests {
  readonly #dice: Dice;
  readonly #pool: Pool;
  readonly #values: Values;
  readonly #resolve: (ref: string) => AnySchemaObject;

  constructor(dice: Dice, pool: Pool, values: Values, resolve: (ref: string) => AnySchemaObject) {
    this.#dice = dice;
    this.#pool = pool;
    this.#values = values;
    this.#resolve = resolve;
  }

  /** @param token of the user who asks; absent where nobody is logged in */
  to(target: Target, user: { readonly token?: string; readonly userId?: string }): FuzzRequest {
    const dice = this.#dice;
    // Much of what is wrong everywhere gets nowhere: half of the requests are as they should be.
    this.#values.oddity = dice.pick([0, 0, 0.03, 0.15]);
    const parameters = ((target.operation?.['parameters'] ?? []) as AnySchemaObject[]).map((parameter) =>
      this.#followed(parameter),
    ) as unknown as Parameter[];
    const method = dice.chance(0.01) ? dice.pick(['GET', 'PUT', 'POST', 'DELETE']) : target.method;
    const payload = method === 'GET' ? undefined : this.#body(target, user);
    return {
      to: target.name,
      method,
      url: this.#path(target.template, parameters, user.userId) + this.#query(parameters),
      ...(payload === undefined ? {} : { payload }),
      headers: this.#headers(user.token),
    };
  }

  #path(template: string, parameters: readonly Parameter[], userId: string | undefined): string {
    const dice = this.#dice;
    const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      if (name === 'userId' && userId !== undefined && dice.chance(0.8)) return encodeURIComponent(userId);
      const schema = parameters.find(
        (parameter) => parameter.in === 'path' && parameter.name === name,
      )?.schema;
      const value = this.#values.of(schema ?? { type: 'string' }, name);
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return encode(text.slice(0, 3000));
    });
    if (!dice.chance(0.03)) return path;
    return dice.pick([
      `${path}/`,
      `${path}%`,
      `${path}%00`,
      path.replace('/v3', '/v9'),
      path.replaceAll('/', '//'),
      `${path}/../..`,
      path.toUpperCase(),
    ]);
  }

  #query(parameters: readonly Parameter[]): string {
    const dice = this.#dice;
    const parts = parameters
      .filter(
        (parameter) => parameter.in === 'query' && dice.chance(parameter.required === true ? 0.95 : 0.3),
      )
      .flatMap(({ name, schema }) => {
        const value = this.#values.of(schema, name);
        const all: readonly unknown[] = Array.isArray(value) ? (value as unknown[]) : [value];
        return all
          .slice(0, 5)
          .map(
            (one) =>
              `${name}=${encode((typeof one === 'string' ? one : JSON.stringify(one)).slice(0, 5000))}`,
          );
      });
    if (dice.chance(0.03))
      parts.push(dice.pick(['&&', '=', '%zz=1', 'a[b]=c', 'access_token=x', '__proto__=1']));
    return parts.length === 0 ? '' : `?${parts.join('&')}`;
  }

  #body(target: Target, user: { readonly userId?: string }): Buffer | undefined {
    const dice = this.#dice;
    const body = this.#followed((target.operation?.['requestBody'] ?? {}) as AnySchemaObject);
    const schema = (body['content'] as Record<string, { schema?: AnySchemaObject }> | undefined)?.[
      'application/json'
    ]?.schema;
    if (schema === undefined && target.operation !== undefined && dice.chance(0.8)) return undefined;
    const value = this.#values.of(schema ?? { type: 'object' }, '');
    if (typeof value === 'object' && value !== null && 'auth' in value && dice.chance(0.5)) {
      const identifier = { type: 'm.id.user', user: user.userId ?? 'nobody' };
      const session = this.#pool.find('session');
      value.auth = dice.pick<object>([
        { type: 'm.login.dummy', session },
        { type: 'm.login.password', identifier, password: 'fuzz', session },
        { session },
      ]);
    }
    const bytes = Buffer.from(JSON.stringify(value));
    return dice.chance(0.06) ? this.#damaged(bytes) : bytes;
  }

  /** Some bytes other than they were, or fewer, or more. */
  #damaged(bytes: Buffer): Buffer {
    const dice = this.#dice;
    const damaged = Buffer.from(bytes);
    for (let n = 0; n <= dice.below(3) && damaged.length > 0; n++) {
      damaged[dice.below(damaged.length)] = dice.below(256);
    }
    return dice.pick([
      damaged,
      damaged.subarray(0, dice.below(damaged.length + 1)),
      Buffer.concat([damaged, damaged]),
      Buffer.from('['.repeat(dice.below(5000))),
      Buffer.alloc(0),
    ]);
  }

  #headers(token: string | undefined): Record<string, string> {
    const dice = this.#dice;
    const headers: Record<string, string> = {};
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (!dice.chance(0.05)) return headers;
    const [name, value] = dice.pick([
      ['authorization', 'Bearer x'],
      ['authorization', ''],
      ['content-type', 'text/xml'],
      ['content-encoding', 'gzip'],
      ['x-forwarded-for', '203.0.113.1, x'],
      ['accept-encoding', 'gzip, *;q=0'],
      ['range', 'bytes=0-1'],
      ['if-none-match', '*'],
    ] as const);
    headers[name] = value;
    return headers;
  }

  #followed(schema: AnySchemaObject): AnySchemaObject {
    return typeof schema['$ref'] === 'string' ? this.#resolve(schema['$ref']) : schema;
  }
}

/** As a client would, but for half of surrogate pairs, which cannot be encoded. */
function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}
