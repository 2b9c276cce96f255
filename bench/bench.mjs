// What rows are given to measure with: servers, loads, data, and how long and large it is to be.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { runProgram } from './command.mjs';
import { inProcessOfItsOwn, startProcess } from './load.mjs';
import { environmentFor, startServer } from './server.mjs';

const BUILDERS = join(import.meta.dirname, 'data', 'builders.mjs');

/** A server that uses less than so much of the processor in this time has nothing left to do. */
const SETTLED = { ms: 1000, micros: 30_000 };

/** A program under measurement: a work tree that is built, and what else its environment says. */
export class Bench {
  /** How long a row measures, where it is up to it. */
  seconds;
  /** Of the sizes that the table names: 1, or less for a quick pass. */
  scale;
  root;
  #environment;
  #profiles;
  #folder;
  #keeps;

  /** @param options `keep`: a folder in which data stay, for the next run to find them */
  constructor({ root, environment = {}, seconds, scale, profiles, keep }) {
    this.root = root;
    this.seconds = seconds;
    this.scale = scale;
    this.#environment = environment;
    this.#profiles = profiles;
    this.#keeps = keep !== undefined;
    this.#folder = keep ?? mkdtempSync(join(tmpdir(), 'engram-bench-data-'));
    process.once('exit', () => {
      this.close();
    });
  }

  /** So many, at this scale; at least `least`. */
  sized(count, least = 1) {
    return Math.max(least, Math.round(count * this.scale));
  }

  /** @param data what `data` gave; by default an empty folder that goes with the server */
  startServer(environment = {}, data) {
    const place = { root: this.root, folder: data?.folder, profiles: this.#profiles };
    return startServer({ ENGRAM_RATE_LIMITS__ENABLED: 'false', ...this.#environment, ...environment }, place);
  }

  /** Runs `engram` with these arguments on data, to its end. @param options of `runProgram` */
  program(args, data, options) {
    const environment = { ...environmentFor(data.folder), ...this.#environment };
    return runProgram(this.root, args, environment, options);
  }

  /** Runs `loads[name]` of a module in a process of its own. */
  load(module, name, args) {
    return startProcess(module, name, args);
  }

  /**
   * Data that `builders.mjs` makes by this name, with their read models: made once in a run for all rows, which may
   * add to them.
   *
   * @returns `folder`, and what the builder says of them
   */
  async data(name, sizes) {
    const key = createHash('sha256').update(JSON.stringify(sizes)).digest('hex').slice(0, 8);
    const folder = join(this.#folder, `${name}-${key}`);
    const facts = join(this.#folder, `${name}-${key}.json`);
    if (!existsSync(facts)) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      console.error(`Making data: ${name} ${JSON.stringify(sizes)} ...`);
      const made = await inProcessOfItsOwn(BUILDERS, name, { root: this.root, folder, ...sizes });
      await this.program(['rebuild'], { folder });
      await this.#settle({ folder });
      writeFileSync(facts, JSON.stringify(made));
    }
    return { folder, ...JSON.parse(readFileSync(facts, 'utf8')) };
  }

  /**
   * Lets a server do what it does once with records that others wrote (cursors read the whole log), and waits until
   * nothing of it is left.
   */
  async #settle(data) {
    const server = await this.startServer({}, data);
    try {
      for (let before; ;) {
        await pause(SETTLED.ms);
        const now = server.cpu();
        if (now === undefined || now - before < SETTLED.micros) break;
        before = now;
      }
    } finally {
      await server.stop();
    }
  }

  /** Deletes all data that are not kept. */
  close() {
    if (!this.#keeps) rmSync(this.#folder, { recursive: true, force: true });
  }
}
