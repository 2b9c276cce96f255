import { afterEach, describe } from 'vitest';
import type { RawLog } from '../../src/log/adapter.js';
import type { Log } from '../../src/log/log.js';
import { appendingContract } from './log/appending.js';
import { forgettingContract } from './log/forgetting.js';
import { lastingContract } from './log/lasting.js';
import { readingContract } from './log/reading.js';
import { stagingContract } from './log/staging.js';
import type { LogHarness, LogTools } from './log/tools.js';

/** What every log does, whatever stores it. */
export function logContract(name: string, factory: () => Promise<LogHarness>): void {
  describe(`the log, by ${name}`, () => {
    const harnesses: LogHarness[] = [];
    const logs: Log[] = [];
    const tools: LogTools = {
      harness: async () => {
        const made = await factory();
        harnesses.push(made);
        return made;
      },
      opened: async (from?: LogHarness, wrap?: (raw: RawLog) => RawLog) => {
        const log = await (from ?? (await tools.harness())).open(wrap);
        logs.push(log);
        return log;
      },
    };
    afterEach(async () => {
      for (const log of logs.splice(0)) await log.close();
      for (const made of harnesses.splice(0)) await made.dispose();
    });

    appendingContract(tools);
    readingContract(tools);
    stagingContract(tools);
    lastingContract(tools);
    forgettingContract(tools);
  });
}
