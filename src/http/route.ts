import type { FastifyBaseLogger } from 'fastify';
import type { Access, Requester } from './authentication.js';
import type { Answer } from './response.js';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** The parts of a request that a schema describes; generated types (`client/types.ts`) have this shape. */
export interface Operation {
  readonly params?: object;
  readonly query?: object;
  readonly body?: object;
}

type PartOf<O extends Operation, P extends keyof Operation> = O extends Record<P, infer T> ? T : object;
type RequesterOf<A extends Access> = A extends 'none'
  ? undefined
  : A extends 'optional'
    ? Requester | undefined
    : Requester;

/** What a handler is given: the checked parts of the request, who makes it, and how to wait and to log. */
export interface Context<O extends Operation = Operation, A extends Access = Access> {
  readonly params: PartOf<O, 'params'>;
  readonly query: PartOf<O, 'query'>;
  readonly body: PartOf<O, 'body'>;
  /** Whether the body has numbers that canonical JSON does not have: events from room version 6 on refuse them. */
  readonly looseNumbers: boolean;
  readonly user: RequesterOf<A>;
  /** Names the request in the log and in the records that it causes. */
  readonly correlationId: string;
  /** Fires when the server closes or the client has gone: answer with what there is. Made when first read. */
  readonly signal: AbortSignal;
  readonly log: FastifyBaseLogger;
  readonly method: string;
  /** The path as the client sent it, still percent-encoded, without the query string. */
  readonly path: string;
  /** The client's IP address, behind trusted proxies the one that they forward. */
  readonly address: string;
  readonly userAgent: string | undefined;
}

/** One operation of the API. */
export interface Route<O extends Operation = Operation, A extends Access = Access> {
  /** The module of the specification: the name of the file in `schemas/`. */
  readonly module: string;
  /** The operation's name in that file, as the specification names it (`operationId`). */
  readonly name: string;
  readonly method: HttpMethod;
  /** Every path it is found at, as templates: `/_matrix/client/v3/rooms/{roomId}/leave`. */
  readonly paths: readonly string[];
  readonly auth: A;
  /** Largest body in bytes, where it differs from the listener's limit. */
  readonly bodyLimit?: number;
  // A method, not a property: TypeScript then lets routes of different operations stand in one list.
  handler(context: Context<O, A>): Answer | Promise<Answer>;
}

/** Declares a route. `O` is the operation's generated type; who is not asked for a token says so: `'none'`. */
export function defineRoute<O extends Operation, A extends Access = 'required'>(
  route: Route<O, A>,
): Route<O, A> {
  return route;
}

/** Paths under `v3`, and under `r0`, which older clients use for the same (specification: API Versioning). */
export function v3(...templates: string[]): string[] {
  return templates.flatMap((template) => [`/_matrix/client/v3${template}`, `/_matrix/client/r0${template}`]);
}

/** Paths under `v1`, where the specification puts what came after `v3` began. */
export function v1(...templates: string[]): string[] {
  return templates.map((template) => `/_matrix/client/v1${template}`);
}

/** Paths under an unstable prefix that real clients still use, such as `uk.tcpip.msc4133`. */
export function unstable(prefix: string, ...templates: string[]): string[] {
  return templates.map((template) => `/_matrix/client/unstable/${prefix}${template}`);
}
