import { register } from '../commands/registration.js';
import { loadConfig } from '../config.js';
import { askServerFor } from './admin-client.js';
import { withWriteSide } from './engine.js';
import { EXIT, type Io } from './io.js';
import { askPassword, lineFrom } from './secret-input.js';

export interface UserCreateOptions {
  readonly config?: string;
  readonly name: string;
  readonly admin?: boolean;
  readonly passwordStdin?: boolean;
}

/** `engram user create`: makes an account, through the server where one runs. */
export async function userCreate(options: UserCreateOptions, io: Io): Promise<number> {
  const config = loadConfig({ file: options.config, env: io.env, cwd: io.cwd });
  const { admin = false } = options;
  const username = localName(options.name, config.server_name);
  const password = options.passwordStdin === true ? await lineFrom(io) : await askPassword(io);
  const body = { username, password, admin };
  const answer = await askServerFor(config, 'POST', '/users', body);
  const userId =
    answer === undefined
      ? await withWriteSide(config, async (write, context) => {
          const registration = { ...body, kind: 'user', method: 'operator' } as const;
          return (await register(write, registration, context)).result.userId;
        })
      : String(answer['user_id']);
  io.stdout.write(`${userId}\n`);
  return EXIT.ok;
}

/** A whole user ID of this server is taken as well. */
function localName(name: string, serverName: string): string {
  return name.startsWith('@') && name.endsWith(`:${serverName}`)
    ? name.slice(1, -serverName.length - 1)
    : name;
}
