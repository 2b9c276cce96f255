import { request } from 'node:http';
import type { Config } from '../config.js';
import { socketsOf } from '../config/data-folders.js';
import { CliError } from './io.js';

/** A running server's answer to the operator. */
interface AdminAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const MAX_ANSWER_BYTES = 1_048_576;
/** Milliseconds; hashing a password is the longest that a request takes. */
const TIMEOUT = 30_000;

/** Another process of the same data folder is the one to ask. */
const NOT_HERE = 409;

/**
 * Asks the server that runs on a data folder, through the sockets in it: of several processes the first whose role it
 * is. `undefined` where none runs. A refusal is an error.
 *
 * @throws CliError with the server's words, or where one runs and does not answer
 */
export async function askServerFor(
  config: Pick<Config, 'data_dir'>,
  method: 'GET' | 'POST',
  path: string,
  body: object = {},
): Promise<AdminAnswer['body'] | undefined> {
  let refused: AdminAnswer | undefined;
  for (const socket of socketsOf(config)) {
    const answer = await askServer(socket, method, path, body);
    if (answer === undefined) continue;
    if (answer.status < 300) return answer.body;
    refused = answer;
    if (answer.status !== NOT_HERE) break;
  }
  if (refused === undefined) return undefined;
  const words = refused.body['error'];
  throw new CliError(typeof words === 'string' ? words : `The server answered ${refused.status}.`);
}

async function askServer(
  socket: string,
  method: 'GET' | 'POST',
  path: string,
  body: object,
): Promise<AdminAnswer | undefined> {
  try {
    return await exchange(socket, method, path, JSON.stringify(body));
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`The server behind ${socket} does not answer: ${reason}`);
  }
}

function exchange(socketPath: string, method: string, path: string, body: string): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, timeout: TIMEOUT }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (bytes > MAX_ANSWER_BYTES) sent.destroy(new Error('Its answer is too large.'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString()) });
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`It took longer than ${TIMEOUT / 1000} s.`)));
    sent.on('error', reject);
    sent.end(method === 'GET' ? undefined : body);
  });
}

function parsed(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error('Its answer is no object.');
  return { ...value };
}
