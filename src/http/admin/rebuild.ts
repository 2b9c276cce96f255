/**
 * POST /rebuild
 * GET /rebuild
 *
 * On the data folder's socket only: how `engram rebuild` has a running server build its read models again.
 */
import { MatrixError } from '../../protocol/errors.js';
import { HttpResponse } from '../response.js';
import { defineRoute, type Route } from '../route.js';

/** Building all read models again, beside those that serve. */
export interface OnlineRebuild {
  /** Begins, unless it is under way; does not wait for the end. */
  rebuild(): void;
  /** How much of the log what is being built has seen, from 0 to 1; `building` is false when nothing is built. */
  rebuildProgress(): { readonly building: boolean; readonly fraction: number };
}

/** @param models what this process keeps; undefined while another one does */
export function rebuildRoutes(models: () => OnlineRebuild | undefined): Route[] {
  const kept = (): OnlineRebuild => {
    const found = models();
    if (found === undefined) {
      throw new MatrixError('M_UNKNOWN', 'Another process keeps the read models.', { status: 409 });
    }
    return found;
  };
  return [
    defineRoute<object, 'none'>({
      module: 'rebuild',
      name: 'startRebuild',
      method: 'POST',
      paths: ['/rebuild'],
      auth: 'none',
      handler: () => {
        kept().rebuild();
        return new HttpResponse({ status: 202, body: kept().rebuildProgress() });
      },
    }),
    defineRoute<object, 'none'>({
      module: 'rebuild',
      name: 'getRebuild',
      method: 'GET',
      paths: ['/rebuild'],
      auth: 'none',
      handler: () => kept().rebuildProgress(),
    }),
  ];
}
