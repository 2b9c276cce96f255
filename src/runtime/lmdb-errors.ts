/** lmdb rejects a second promise with the cause; unheard, it would end the process. Gives the error itself. */
export function swallowCommitError(error: unknown): unknown {
  if (error instanceof Error && 'commitError' in error && error.commitError instanceof Promise) {
    error.commitError.catch(() => undefined);
  }
  return error;
}
