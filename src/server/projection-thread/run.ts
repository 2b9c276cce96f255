import type { MessagePort } from 'node:worker_threads';
import { PROJECTIONS } from '../../../projections/index.js';
import { ProjectionRunner, type RunnerLogger } from '../../../projections/runner.js';
import { topicsOf, type Topics } from '../../../projections/topics.js';
import { systemClock, type Clock, type Timer } from '../../runtime/clock.js';
import { openReadStoreBeside } from '../../stores.js';
import { PortLog } from './log-port.js';
import type { Report, Request, Standing, ThreadData } from './messages.js';

/** Milliseconds between two looks at how far the projections are. */
const PROGRESS_MS = 250;

/**
 * Keeps the read models, and tells through the port what becomes of them, until it is told to stop or fails: reads the
 * log by way of the port, and writes the read store by itself.
 */
export async function runProjections(
  port: MessagePort,
  { config, epoch, head }: ThreadData,
  clock: Clock = systemClock,
): Promise<void> {
  const report = (message: Report, ports: readonly MessagePort[] = []) => {
    port.postMessage(message, ports);
  };
  const store = await openReadStoreBeside(config, (error) => {
    report({ kind: 'damage', error });
  });
  let topics: Topics | undefined;
  let rebuilds = 0;
  const runner = new ProjectionRunner({
    log: new PortLog(epoch, head, (reading, own) => {
      report({ kind: 'read', port: own, ...reading }, [own]);
    }),
    store,
    projections: PROJECTIONS,
    clock,
    logger: loggerTo(report),
    onFatal: (error) => {
      report({ kind: 'failed', error });
    },
    onFolded: (records) => {
      topics = topicsOf(records);
    },
  });
  const standing = (): Standing => ({ progress: runner.progress(), rebuilds });
  let known = '';
  let isServing = false;
  const tellProgress = () => {
    const now = standing();
    const text = JSON.stringify(now);
    if (text !== known) report({ kind: 'progress', ...now });
    known = text;
    isServing = now.progress.every(({ serving }) => serving);
  };
  const positions = runner.positions.subscribe((position) => {
    // Who hears that something can be read should know already that it serves.
    if (!isServing) tellProgress();
    report({ kind: 'readable', position, topics });
    topics = undefined;
  });
  let timer: Timer | undefined;
  const tell = () => {
    tellProgress();
    timer = clock.after(PROGRESS_MS, tell);
  };
  const stopped = new Promise<void>((resolve) => {
    port.on('message', (request: Request) => {
      if (request.kind === 'stop') resolve();
      else {
        rebuilds = request.count;
        runner.rebuild();
      }
    });
  });
  try {
    await runner.start();
    report({ kind: 'started', ...standing() });
    tell();
    await stopped;
  } finally {
    timer?.cancel();
    await runner.stop();
    positions.unsubscribe();
    await store.close();
    port.close();
  }
}

function loggerTo(report: (message: Report) => void): RunnerLogger {
  const at =
    (level: 'info' | 'warn' | 'error') =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      report({ kind: 'log', level, fields, message });
    };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
