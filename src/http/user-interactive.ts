import { MatrixError, type MatrixErrorCode } from '../protocol/errors.js';
import type { JsonObject } from '../protocol/json.js';
import type { Clock } from '../runtime/clock.js';
import type { Random } from '../runtime/random.js';
import type { Auth } from './client/types.js';
import { InteractiveAuthenticationNeeded } from './errors.js';
import { AuthSessions, type AuthSession } from './user-interactive-sessions.js';

/** What a stage's check found. `userId` is whom the client has shown itself to be, where the stage shows that. */
export type StageResult =
  | { readonly ok: true; readonly userId?: string; readonly registrationToken?: string }
  | { readonly ok: false; readonly errcode: MatrixErrorCode; readonly error: string };

/** One type of authentication, such as `m.login.password`. */
export interface Stage {
  /** What clients need to know to use it, told under `params`. */
  readonly params?: JsonObject;
  check(auth: Auth, attempt: { readonly session: string; readonly address: string }): Promise<StageResult>;
}

/** A request to an operation that takes user-interactive authentication; `Context` of a route has this shape. */
export interface InteractiveRequest<B extends { readonly auth?: Auth }> {
  readonly method: string;
  readonly path: string;
  readonly address: string;
  readonly body: B;
  readonly user?: { readonly userId: string } | undefined;
}

/** An operation that may go ahead. */
export interface Authenticated<B> {
  /** The request's body, or that of an earlier request of the session where this one only went on with it. */
  readonly body: Omit<B, 'auth'>;
  readonly completed: readonly string[];
  /** Whom a stage has shown the client to be: the requester, where there is one. */
  readonly userId: string | undefined;
  /** The registration token that a stage has found to be good. */
  readonly registrationToken: string | undefined;
  readonly session: string;
  /**
   * Forgets what the session has shown, so that nobody can do the same again with it. Call it when the operation has
   * succeeded; with its answer where `earlierAnswer` shall find it.
   */
  readonly end: (answer?: object) => void;
}

/** Larger parameters are not kept: the client has to send them again. In characters of JSON. */
const MAX_KEPT_PARAMETERS = 4096;
const DEFAULT_LIMIT = 10_000;
const DEFAULT_LIFETIME = 60 * 60 * 1000;

/**
 * The User-Interactive Authentication API (specification: Client-Server API, section of that name). A session is
 * bound to the method, the path and the requester of its first request. Its parameters may change on the way, as
 * they must where a user name turns out to be taken.
 */
export class UserInteractive {
  readonly #stages: ReadonlyMap<string, Stage>;
  readonly #sessions: AuthSessions;

  /** @param options.lifetime of a session since its last use, in milliseconds */
  constructor(options: {
    stages: ReadonlyMap<string, Stage>;
    clock: Clock;
    random: Random;
    limit?: number;
    lifetime?: number;
  }) {
    this.#stages = options.stages;
    const { clock, random, limit = DEFAULT_LIMIT, lifetime = DEFAULT_LIFETIME } = options;
    this.#sessions = new AuthSessions({ clock, random, limit, lifetime });
  }

  /**
   * Returns when all stages of one flow are done.
   *
   * @param flows each a list of stages, in the order in which they must be done
   * @throws {InteractiveAuthenticationNeeded} 401: what is still to be done, and what went wrong with this attempt
   * @throws {MatrixError} M_FORBIDDEN where the session is of another operation, or proves another user
   */
  async require<B extends { readonly auth?: Auth }>(
    request: InteractiveRequest<B>,
    flows: readonly (readonly string[])[],
  ): Promise<Authenticated<B>> {
    const { auth, ...parameters } = request.body;
    const session = this.#sessionOf(request, auth);
    const body = keep(session, parameters);
    const failed = auth?.type === undefined ? undefined : await this.#attempt(session, auth, flows, request);
    this.#checkUser(session);
    if (failed !== undefined || !flows.some((flow) => isDone(flow, session.completed))) {
      throw new InteractiveAuthenticationNeeded(this.#challenge(session, flows, failed));
    }
    return {
      body,
      completed: session.completed,
      userId: session.provenUserId,
      registrationToken: session.registrationToken,
      session: session.id,
      end: (answer) => {
        if (answer === undefined) this.#sessions.end(session.id);
        else close(session, answer);
      },
    };
  }

  /**
   * What the session of a request has been answered with already: the client may not have got it, and asks again.
   * It is the very same answer, so nothing is done twice.
   */
  earlierAnswer<B extends { readonly auth?: Auth }>(request: InteractiveRequest<B>): object | undefined {
    const id = request.body.auth?.session;
    const session = id === undefined ? undefined : this.#sessions.find(id);
    const isOfIt = session?.operation === operationOf(request) && session.userId === request.user?.userId;
    return isOfIt ? session.answer : undefined;
  }

  /**
   * Does a stage outside the operation, for the fallback page (specification: Fallback). The client then repeats its
   * request with the session alone.
   *
   * @throws {MatrixError} M_NOT_FOUND where there is no such session or stage
   */
  async completeStage(id: string, auth: Auth, address: string): Promise<StageResult> {
    const session = this.#sessions.find(id);
    const stage = this.#stages.get(auth.type ?? '');
    if (session === undefined || stage === undefined) {
      throw new MatrixError('M_NOT_FOUND', 'There is no such authentication session or stage.');
    }
    const type = auth.type ?? '';
    if (session.completed.includes(type)) return { ok: true };
    const result = await stage.check(auth, { session: id, address });
    if (result.ok) complete(session, type, result);
    return result;
  }

  #sessionOf<B extends { readonly auth?: Auth }>(
    request: InteractiveRequest<B>,
    auth: Auth | undefined,
  ): AuthSession {
    const operation = operationOf(request);
    const userId = request.user?.userId;
    const found = auth?.session === undefined ? undefined : this.#sessions.find(auth.session);
    // One that is not known may be from before a restart: the client is simply asked again.
    if (found === undefined) return this.#sessions.begin(operation, userId);
    if (found.operation !== operation || found.userId !== userId) {
      throw new MatrixError('M_FORBIDDEN', 'This authentication session was begun for another operation.');
    }
    return found;
  }

  /** Tries the stage that the client names; returns why it failed. */
  async #attempt(
    session: AuthSession,
    auth: Auth,
    flows: readonly (readonly string[])[],
    { address }: { address: string },
  ): Promise<{ errcode: MatrixErrorCode; error: string } | undefined> {
    const type = auth.type ?? '';
    if (session.completed.includes(type)) return undefined;
    const stage = this.#stages.get(type);
    if (stage === undefined || !flows.some((flow) => isNext(flow, session.completed, type))) {
      return { errcode: 'M_FORBIDDEN', error: 'This stage is not the next of any flow.' };
    }
    const result = await stage.check(auth, { session: session.id, address });
    if (!result.ok) return { errcode: result.errcode, error: result.error };
    complete(session, type, result);
    return undefined;
  }

  /** Whoever holds a stolen token must not use it with the password of another account. */
  #checkUser(session: AuthSession): void {
    const { userId, provenUserId } = session;
    if (userId === undefined || provenUserId === undefined || userId === provenUserId) return;
    this.#sessions.end(session.id);
    throw new MatrixError('M_FORBIDDEN', 'This authenticates another user than the one whose token is used.');
  }

  #challenge(
    session: AuthSession,
    flows: readonly (readonly string[])[],
    failed: { errcode: MatrixErrorCode; error: string } | undefined,
  ): Record<string, unknown> {
    const params: Record<string, JsonObject> = {};
    for (const type of new Set(flows.flat())) {
      const known = this.#stages.get(type)?.params;
      if (known !== undefined) params[type] = known;
    }
    return {
      ...failed,
      // Optional while it is empty, and yet there are clients that count on it.
      completed: session.completed,
      flows: flows.map((stages) => ({ stages })),
      params,
      session: session.id,
    };
  }
}

function operationOf({ method, path }: { readonly method: string; readonly path: string }): string {
  return `${method} ${path}`;
}

/** Leaves nothing of a session but its answer. */
function close(session: AuthSession, answer: object): void {
  session.completed.length = 0;
  session.provenUserId = undefined;
  session.registrationToken = undefined;
  session.parameters = undefined;
  session.answer = answer;
}

function complete(session: AuthSession, type: string, result: StageResult & { ok: true }): void {
  // While the check ran, another request of the session may have done the same.
  if (!session.completed.includes(type)) session.completed.push(type);
  session.provenUserId ??= result.userId;
  session.registrationToken ??= result.registrationToken;
}

function isDone(flow: readonly string[], completed: readonly string[]): boolean {
  return (
    flow.length > 0 && flow.length <= completed.length && flow.every((stage, i) => stage === completed[i])
  );
}

function isNext(flow: readonly string[], completed: readonly string[], type: string): boolean {
  return flow[completed.length] === type && completed.every((stage, i) => stage === flow[i]);
}

/** Remembers the newest parameters; a request without any stands for the ones before it. */
function keep<B extends object>(session: AuthSession, parameters: B): B {
  if (Object.keys(parameters).length === 0) return (session.parameters as B | undefined) ?? parameters;
  const small = JSON.stringify(parameters).length <= MAX_KEPT_PARAMETERS;
  session.parameters = small ? (parameters as JsonObject) : undefined;
  return parameters;
}
