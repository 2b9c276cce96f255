import { describe, expect, it } from 'vitest';
import { createProgress, type Progress } from '../../src/cli/progress.js';

function setUp(options: { isTTY: boolean; total?: number; columns?: number; signal?: AbortSignal }): {
  progress: Progress;
  written: string[];
  wait: (milliseconds: number) => void;
} {
  let time = 1000;
  const written: string[] = [];
  const { isTTY, columns, ...rest } = options;
  const progress = createProgress({
    ...rest,
    output: { write: (text) => written.push(text), isTTY, columns: columns ?? 80 },
    label: 'Rebuilding',
    unit: 'records',
    now: () => time,
  });
  return { progress, written, wait: (milliseconds) => (time += milliseconds) };
}

describe('on a terminal', () => {
  it('a bar is drawn over the one before, with the time that is left', () => {
    const { progress, written, wait } = setUp({ isTTY: true, total: 2000 });
    progress.update(0);
    wait(10_000);
    progress.update(500);
    wait(30_000);
    progress.update(2000);
    progress.finish();
    progress.finish();
    expect(written).toEqual([
      '\r\u001b[KRebuilding [....................] 0% (0 of 2,000 records)',
      '\r\u001b[KRebuilding [#####...............] 25% (500 of 2,000 records), 30 s left',
      '\r\u001b[KRebuilding [####################] 100% (2,000 of 2,000 records)',
      '\r\u001b[KRebuilding [####################] 100% (2,000 of 2,000 records)',
      '\n',
    ]);
  });

  it('is not written more than ten times a second', () => {
    const { progress, written, wait } = setUp({ isTTY: true, total: 10_000 });
    for (let done = 0; done < 10_000; done += 1) {
      progress.update(done);
      wait(0.1);
    }
    expect(written.length).toBeLessThanOrEqual(11);
  });

  it('fits into the width', () => {
    const { progress, written } = setUp({ isTTY: true, total: 10, columns: 20 });
    progress.update(5);
    expect(written[0]?.replace('\r\u001b[K', '')).toHaveLength(19);
  });
});

describe('elsewhere', () => {
  it('there are plain lines, one in five seconds and one at the end', () => {
    const { progress, written, wait } = setUp({ isTTY: false, total: 100 });
    for (let done = 0; done < 100; done += 10) {
      progress.update(done);
      wait(1000);
    }
    progress.update(100);
    progress.finish();
    expect(written).toEqual([
      'Rebuilding: 50% (50 of 100 records), 5 s left\n',
      'Rebuilding: 100% (100 of 100 records)\n',
      'Rebuilding: 100% (100 of 100 records)\n',
    ]);
  });

  it('work without a known end is counted', () => {
    const { progress, written } = setUp({ isTTY: false });
    progress.update(1234);
    progress.finish();
    expect(written).toEqual(['Rebuilding: 1,234 records\n']);
  });

  it('an end that is found out later, nothing to do, and more than there was', () => {
    const { progress, written, wait } = setUp({ isTTY: false });
    wait(5000);
    progress.update(1, 4);
    wait(5000);
    progress.update(5);
    wait(5000);
    progress.update(0, 0);
    expect(written).toEqual([
      'Rebuilding: 25% (1 of 4 records), 15 s left\n',
      'Rebuilding: 100% (5 of 4 records)\n',
      'Rebuilding: 100% (0 of 0 records)\n',
    ]);
  });
});

it('is where work is interrupted', () => {
  const abort = new AbortController();
  const { progress } = setUp({ isTTY: false, signal: abort.signal });
  progress.update(1);
  const reason = new Error('Enough.');
  abort.abort(reason);
  expect(() => {
    progress.update(2);
  }).toThrow(reason);
  progress.finish();
});
