// Data are written by the program's own commands, without HTTP: signed, decided and appended as a server does it.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eachOf } from '../http-client.mjs';
import { environmentFor } from '../server.mjs';

/** What is asked for at once, as by so many clients: appends are written in groups. */
const AT_ONCE = 128;

/** A module of the program that is built in `root`, by its place there: `src/server/engine.js`. */
export function built(root, path) {
  return import(pathToFileURL(join(root, 'dist', path)).href);
}

/** So many names: the prefix and a number each. */
export function names(prefix, count) {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}

/** Does something for each of the items in their order, many of them at a time. */
export function together(items, action) {
  return eachOf(items, AT_ONCE, action);
}

/** What the program of `root` is configured with on a data folder, as `Bench` runs it. */
export async function configOf(root, folder) {
  const { loadConfig } = await built(root, 'src/config.js');
  return loadConfig({ file: undefined, env: environmentFor(folder), cwd: folder });
}

/**
 * Opens the write side of a data folder, which no server has open, for what is done with it.
 *
 * @param place `root` of the built program, `folder` of the data
 * @returns what `action` gives
 */
export async function writing({ root, folder }, action) {
  const { openEngine } = await built(root, 'src/server/engine.js');
  const { uuid } = await built(root, 'src/runtime/random.js');
  const engine = await openEngine(await configOf(root, folder));
  try {
    const commands = {
      ...(await built(root, 'src/commands/registration.js')),
      ...(await built(root, 'src/commands/create-room.js')),
      ...(await built(root, 'src/commands/membership.js')),
      ...(await built(root, 'src/commands/room-send.js')),
    };
    const data = await action(new Writer(engine, commands, uuid));
    await standAtEnd(root, engine);
    return data;
  } finally {
    await engine.close();
  }
}

/** What acts on records in a server that runs. */
const CURSORS = ['account-consequences', 'erasures', 'redactions'];

/** As a server that has written all this leaves it: nobody has to read the log from its start. */
async function standAtEnd(root, { write, log }) {
  const { CursorPosition } = await built(root, 'src/commands/cursor.js');
  for (const name of CURSORS) {
    const place = new CursorPosition(write, name);
    await place.load();
    await place.store(log.head);
  }
}

/** The commands that data are made of. An account is what `Person` takes: `userId`, `token`, and its device. */
class Writer {
  #engine;
  #commands;
  #uuid;
  #sent = 0;

  constructor(engine, commands, uuid) {
    this.#engine = engine;
    this.#commands = commands;
    this.#uuid = uuid;
  }

  get #context() {
    const { clock, random } = this.#engine.ports;
    return { correlationId: this.#uuid(random), now: clock.now() };
  }

  /** A new account, signed in. Nobody signs in to it by a password: hashing one takes longer than all else. */
  async account(username) {
    const wish = { username, kind: 'user', method: 'open', device: {} };
    const { result } = await this.#commands.register(this.#engine.write, wish, this.#context);
    return { userId: result.userId, deviceId: result.deviceId, token: result.tokens.accessToken };
  }

  /** A new account that has no device: somebody who is a member, and no more. */
  async bystander(username) {
    const wish = { username, kind: 'user', method: 'open' };
    const { result } = await this.#commands.register(this.#engine.write, wish, this.#context);
    return { userId: result.userId };
  }

  /** New accounts, signed in, in the order of their names. */
  async accounts(usernames) {
    const made = [];
    await together(usernames, async (username, n) => {
      made[n] = await this.account(username);
    });
    return made;
  }

  /** A public room. @returns its ID */
  async room({ userId }, name) {
    const wish = { preset: 'public_chat', name };
    const { default_room_version: version } = this.#engine.config;
    const { result } = await this.#commands.createRoom(
      this.#engine.write,
      userId,
      wish,
      version,
      this.#context,
    );
    return result.room_id;
  }

  async join({ userId }, roomId) {
    await this.#commands.joinRoom(this.#engine.write, userId, roomId, {}, this.#context);
  }

  /** Says something of some forty bytes. */
  async say(sender, roomId) {
    const nth = this.#sent++;
    const message = {
      type: 'm.room.message',
      content: { msgtype: 'm.text', body: `Message number ${nth}, as long as most are` },
      transactionId: `data-${nth}`,
    };
    await this.#commands.sendEvent(this.#engine.write, sender, roomId, message, this.#context);
  }

  /** How many records the log has, by reading them all. */
  async recordCount() {
    let count = 0;
    for await (const { records } of this.#engine.log.readAll()) count += records.length;
    return count;
  }
}
