// The processes that loads come from: never the server's, never the one that measures.
import { fork } from 'node:child_process';
import { join } from 'node:path';

const ENTRY = join(import.meta.dirname, 'load-process.mjs');

/**
 * Runs `loads[name]` of a module in a process of its own.
 *
 * @param args JSON
 */
export function inProcessOfItsOwn(module, name, args) {
  return startProcess(module, name, args).result;
}

/** The same, where the caller has something to do meanwhile; `told` gives the next message that the load sends. */
export function startProcess(module, name, args) {
  const child = fork(ENTRY, [module, name]);
  child.send(args);
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const messages = [];
  const waiting = [];
  const result = new Promise((resolve, reject) => {
    child.on('message', (message) => {
      if ('result' in message) resolve(message.result);
      else if (waiting.length > 0) waiting.shift()(message);
      else messages.push(message);
    });
    child.once('exit', (code) => {
      process.off('exit', kill);
      reject(new Error(`The load's process ended with ${code}.`));
    });
  });
  return {
    result,
    tell: (message) => child.send(message),
    told: () =>
      Promise.race([
        result.then(() => undefined),
        messages.length > 0
          ? Promise.resolve(messages.shift())
          : new Promise((resolve) => {
              waiting.push(resolve);
            }),
      ]),
  };
}

/** Sends a message to whoever started this process, with `told`. */
export function tell(message) {
  return new Promise((resolve) => {
    process.send(message, resolve);
  });
}

/** The next message that whoever started this process sends, with `tell`. */
export function nextMessage() {
  return new Promise((resolve) => {
    process.once('message', resolve);
  });
}
