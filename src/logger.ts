import {
  destination as openDestination,
  pino,
  stdTimeFunctions,
  type LogFn,
  type Logger as PinoLogger,
} from 'pino';
import { onCrash } from './logger/crash.js';
import { errorEntry, redact, safeUrl, scrub } from './logger/redact.js';
import { pretty } from './logger/pretty.js';

/**
 * Writes entries: `logger.info({ room_id }, 'Joined.')`. Credentials and people's words are taken out of whatever is
 * handed over; still, log identifiers and counts rather than events.
 */
export type Logger = PinoLogger;

export type LogLevel = 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** Where lines go: a file by its path, or anything that takes text. */
export interface LogSink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** The areas of the server, each with its logger. */
function byArea(root: Logger) {
  return {
    server: root.child({ area: 'server' }),
    http: root.child({ area: 'http' }),
    commands: root.child({ area: 'commands' }),
    log: root.child({ area: 'log' }),
    read_models: root.child({ area: 'read_models' }),
    projections: root.child({ area: 'projections' }),
    queries: root.child({ area: 'queries' }),
    federation: root.child({ area: 'federation' }),
  } satisfies Record<string, Logger>;
}

/** A server's loggers, by area. */
export interface Loggers extends Readonly<ReturnType<typeof byArea>> {
  /** Writes what is still in memory, waiting for it. */
  flush(): void;
  /** Flushes, and lets the file go. */
  close(): void;
}

/**
 * A server's loggers: lines of JSON into `file`, or without one to `sink` (standard error by default, and readable
 * rather than JSON on a terminal).
 */
export function createLoggers(options: {
  readonly level: LogLevel;
  readonly file: string | null;
  readonly sink?: LogSink;
}): Loggers {
  const { level, file, sink = process.stderr } = options;
  const output = file === null ? toSink(sink) : toFile(file);
  const root = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redactFields },
      serializers: { req: requestEntry, res: responseEntry, err: redact },
      hooks: { logMethod: withMessage },
    },
    output,
  );
  const loggers: Loggers = {
    ...byArea(root),
    flush: () => {
      output.flush();
    },
    close: () => {
      forget();
      output.flush();
      output.end();
    },
  };
  const forget = onCrash((err) => {
    loggers.server.fatal({ err }, 'Nobody caught this error: the server ends.');
    loggers.flush();
  });
  return loggers;
}

interface Output {
  write(line: string): void;
  flush(): void;
  end(): void;
}

function toSink(sink: LogSink): Output {
  const readable = sink.isTTY === true;
  const colours = readable && process.env['NO_COLOR'] === undefined;
  return {
    write: (line) => {
      const safe = scrub(line);
      sink.write(readable ? pretty(safe, colours) : safe);
    },
    flush: () => undefined,
    end: () => undefined,
  };
}

/**
 * A line is with the system when `write` returns (some microseconds), so that none is lost when the program crashes
 * or is killed.
 */
function toFile(file: string): Output {
  const stream = openDestination({ dest: file, mkdir: true, mode: 0o640, sync: true });
  return {
    write: (line) => {
      stream.write(scrub(line));
    },
    flush: () => {
      stream.flushSync();
    },
    end: () => {
      stream.end();
    },
  };
}

/** Serializers get these as they are. */
const SERIALIZED = new Set(['req', 'res', 'err']);

function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  const safe = redact(fields) as Record<string, unknown>;
  return Object.fromEntries(
    Object.keys(safe).map((key) => [key, SERIALIZED.has(key) ? fields[key] : safe[key]]),
  );
}

/** An entry without a message would get the error's, and so perhaps a text that could not be parsed. */
function withMessage(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
  const [first] = args as readonly unknown[];
  if (args.length > 1 || typeof first !== 'object' || first === null) {
    method.apply(this, args);
    return;
  }
  const err: unknown = first instanceof Error ? first : 'err' in first ? first.err : undefined;
  const message = err instanceof Error ? errorEntry(err).message : '';
  method.apply(this, [first instanceof Error ? { err } : first, message]);
}

/** What is written of a request: no headers, no body, and of the query only what is harmless. */
function requestEntry(request: unknown): unknown {
  if (typeof request !== 'object' || request === null) return undefined;
  const { id, method, url, ip } = request as Readonly<Record<string, unknown>>;
  return { id, method, url: typeof url === 'string' ? safeUrl(url) : undefined, ip };
}

function responseEntry(response: unknown): unknown {
  if (typeof response !== 'object' || response === null) return undefined;
  const { statusCode } = response as Readonly<Record<string, unknown>>;
  return { statusCode };
}
