import { MatrixError } from '../protocol/errors.js';

/**
 * Tells a path that exists with another method (405) from one that does not (404). It is asked only where no route
 * matched, so a walk over the routes with as many segments is cheap enough.
 */
export class UnknownPaths {
  /** Routes by their number of segments. */
  readonly #routes = new Map<number, { segments: string[]; method: string }[]>();

  /** Registers a path template such as `/rooms/{roomId}/state`. */
  add(method: string, template: string): void {
    const segments = template.split('/');
    const known = this.#routes.get(segments.length);
    if (known === undefined) this.#routes.set(segments.length, [{ segments, method }]);
    else known.push({ segments, method });
  }

  /** Methods that the path knows, in alphabetical order; none where there is no such path. */
  methodsOf(path: string): string[] {
    const segments = path.split('/');
    const methods = new Set<string>();
    for (const route of this.#routes.get(segments.length) ?? []) {
      if (route.segments.every((segment, i) => segment.startsWith('{') || segment === segments[i])) {
        methods.add(route.method);
        if (route.method === 'GET') methods.add('HEAD');
      }
    }
    return [...methods].sort();
  }
}

/** The refusal for a path without a route (specification: Common error codes, M_UNRECOGNIZED). */
export function unrecognized(allowed: readonly string[]): MatrixError {
  return allowed.length === 0
    ? new MatrixError('M_UNRECOGNIZED', 'There is nothing at this path.', { status: 404 })
    : new MatrixError('M_UNRECOGNIZED', 'This path does not know this method.', { status: 405 });
}
