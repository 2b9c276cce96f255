import { errorEntry, scrub } from './redact.js';

/** What is told of an error that nobody caught: the open logs. */
const listeners = new Set<(error: Error) => void>();

/** Has crashes told, until the answered function is called. */
export function onCrash(listener: (error: Error) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Tells every open log of an error that nobody caught, or standard error where there is none; before the end. */
export function reportCrash(thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (listeners.size === 0) process.stderr.write(`${scrub(errorEntry(error).stack)}\n`);
  for (const listener of listeners) listener(error);
}
