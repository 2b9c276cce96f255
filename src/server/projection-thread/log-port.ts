import { on } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { LogReader } from '../../../projections/plan.js';
import { LogUnavailableError } from '../../log/errors.js';
import type { LoggedRecord, RecordBatch } from '../../log/log.js';
import type { Position } from '../../log/position.js';
import type { Answer, Reading } from './messages.js';
import { isAborted } from '../../runtime/aborted.js';

/**
 * The log as another thread has it. Each reading has a port of its own, through which batches are pulled, one ahead of
 * what is being worked on.
 */
export class PortLog implements LogReader {
  readonly epoch: string;
  readonly #ask: (reading: Reading, port: MessagePort) => void;
  #head: Position;

  /** @param ask hands a reading and its port to {@link serveReading} in the other thread */
  constructor(epoch: string, head: Position, ask: (reading: Reading, port: MessagePort) => void) {
    this.epoch = epoch;
    this.#head = head;
    this.#ask = ask;
  }

  /** As of the last batch. */
  get head(): Position {
    return this.#head;
  }

  readAll({ after = -1 }: { readonly after?: Position } = {}): AsyncIterable<RecordBatch> {
    return this.#read({ after, live: false }, new AbortController().signal);
  }

  subscribe(after: Position, signal: AbortSignal): AsyncIterable<RecordBatch> {
    return this.#read({ after, live: true }, signal);
  }

  async *#read(reading: Reading, signal: AbortSignal): AsyncGenerator<RecordBatch> {
    if (signal.aborted) return;
    const { port1: port, port2 } = new MessageChannel();
    try {
      const answers = on(port, 'message', { signal });
      this.#ask(reading, port2);
      port.postMessage(undefined);
      for await (const [answer] of answers as AsyncIterable<[Answer]>) {
        if ('end' in answer) return;
        if ('error' in answer) throw asError(answer.error);
        port.postMessage(undefined);
        this.#head = answer.head;
        yield {
          records: JSON.parse(answer.records) as LoggedRecord[],
          damaged: [],
          position: answer.position,
        };
      }
    } catch (error) {
      if (!isAborted(signal)) throw error;
    } finally {
      port.close();
    }
  }
}

function asError({ isUnavailable, message }: { isUnavailable: boolean; message: string }): Error {
  return isUnavailable ? new LogUnavailableError(message, { outcomeUnknown: false }) : new Error(message);
}

/** Sends through a port what is asked for there, until it is closed at the other end. */
export async function serveReading(
  log: LogReader,
  { after, live }: Reading,
  port: MessagePort,
): Promise<void> {
  const ending = new AbortController();
  const { signal } = ending;
  port.once('close', () => {
    ending.abort();
  });
  const send = (answer: Answer) => {
    port.postMessage(answer);
  };
  const batches = (live ? log.subscribe(after, signal) : log.readAll({ after }))[Symbol.asyncIterator]();
  try {
    const asked = on(port, 'message', { signal });
    while ((await asked.next()).done !== true) {
      const next = await batches.next();
      if (next.done === true) {
        send({ end: true });
        return;
      }
      const { records, position } = next.value;
      send({ records: JSON.stringify(records), position, head: log.head });
    }
  } catch (error) {
    if (signal.aborted) return;
    const message = error instanceof Error ? error.message : String(error);
    send({ error: { isUnavailable: error instanceof LogUnavailableError, message } });
  } finally {
    await batches.return?.();
    port.close();
  }
}
