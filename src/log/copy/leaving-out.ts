import type { RawLog } from '../adapter.js';

/** A log as it would be without some streams, to be copied: whoever names one of them finds it still. */
export function leavingOut(log: RawLog, isLeftOut: (stream: string) => boolean): RawLog {
  return {
    epoch: log.epoch,
    get head() {
      return log.head;
    },
    heads: log.heads,
    appendsInOrder: log.appendsInOrder,
    end: () => log.end(),
    append: (...append) => log.append(...append),
    revision: (stream) => log.revision(stream),
    readStream: (stream, options) => log.readStream(stream, options),
    readAll: async function* (options) {
      for await (const { records, damaged, position } of log.readAll(options)) {
        yield { records: records.filter(({ stream }) => !isLeftOut(stream)), damaged, position };
      }
    },
    setRetention: (stream, retention) => log.setRetention(stream, retention),
    retention: (stream) => log.retention(stream),
    retained: async function* () {
      for await (const stream of log.retained()) if (!isLeftOut(stream)) yield stream;
    },
    endEpoch: () => log.endEpoch(),
    close: () => log.close(),
  };
}
