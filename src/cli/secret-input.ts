import { createInterface } from 'node:readline';
import { CliError, EXIT, type Io } from './io.js';

/** The first line of the standard input: for scripts. */
export async function lineFrom(io: Io): Promise<string> {
  const lines = createInterface({ input: io.stdin, crlfDelay: Infinity });
  for await (const line of lines) return line;
  return '';
}

/**
 * Asks on the terminal, twice, without showing what is typed.
 *
 * @throws CliError without a terminal, or where the two differ; the signal's reason on Ctrl-C
 */
export async function askPassword(io: Io): Promise<string> {
  if (io.stdin.isTTY !== true) {
    throw new CliError('Without a terminal, give the password with --password-stdin.', EXIT.usage);
  }
  const password = await hidden(io, 'Password: ');
  if ((await hidden(io, 'Again: ')) !== password) throw new CliError('The two passwords differ.');
  return password;
}

const ENTER = new Set(['\r', '\n', '\u0004']);
const ERASE = new Set(['\b', '\u007f']);
const INTERRUPT = '\u0003';

/** One line in the terminal's raw mode, in which nothing is echoed and Ctrl-C is a character. */
async function hidden(io: Io, prompt: string): Promise<string> {
  const { stdin } = io;
  const raw = 'setRawMode' in stdin && typeof stdin.setRawMode === 'function' ? stdin.setRawMode : undefined;
  if (raw === undefined) throw new CliError('This terminal cannot hide a password: use --password-stdin.');
  io.stderr.write(prompt);
  raw.call(stdin, true);
  try {
    const typed: string[] = [];
    stdin.setEncoding('utf8');
    for (;;) {
      for (const character of await nextText(io)) {
        if (ENTER.has(character)) return typed.join('');
        if (character === INTERRUPT) throw new CliError('Interrupted.', INTERRUPTED);
        if (ERASE.has(character)) typed.pop();
        else typed.push(character);
      }
    }
  } finally {
    raw.call(stdin, false);
    stdin.pause();
    io.stderr.write('\n');
  }
}

/** 128 and the number of SIGINT. */
const INTERRUPTED = 130;

function nextText({ stdin, signal }: Io): Promise<string> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      stdin.off('data', onData);
      reject(signal.reason instanceof Error ? signal.reason : new Error('Interrupted.'));
    };
    const onData = (text: string | Buffer) => {
      stdin.pause();
      signal.removeEventListener('abort', onAbort);
      resolve(String(text));
    };
    stdin.once('data', onData);
    signal.addEventListener('abort', onAbort, { once: true });
    stdin.resume();
  });
}
