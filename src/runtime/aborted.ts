/** Whether a signal has aborted: a look that the type checker takes for new each time, as awaiting changes it. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
