// What rows are given to measure with: servers, loads, data, and how long and large it is to be.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess } from './load.mjs';
import { startServer } from './server.mjs';

/** A program under measurement: a work tree that is built, and what else its environment says. */
export class Bench {
  seconds;
  /** Of the sizes that the table names: 1, or less for a quick pass. */
  scale;
  root;
  #environment;
  #profiles;
  #folder;
  #data = new Map();

  constructor({ root, environment = {}, seconds, scale, profiles }) {
    this.root = root;
    this.seconds = seconds;
    this.scale = scale;
    this.#environment = environment;
    this.#profiles = profiles;
    this.#folder = mkdtempSync(join(tmpdir(), 'engram-bench-data-'));
  }

  /** So many, at this scale; at least `least`. */
  sized(count, least = 1) {
    return Math.max(least, Math.round(count * this.scale));
  }

  /** @param folder with data of `data`; by default an empty one that goes with the server */
  startServer(environment = {}, folder) {
    const place = { root: this.root, folder, profiles: this.#profiles };
    return startServer({ ENGRAM_RATE_LIMITS__ENABLED: 'false', ...this.#environment, ...environment }, place);
  }

  /** Runs `loads[name]` of a module in a process of its own. */
  load(module, name, args) {
    return startProcess(module, name, args);
  }

  /** Deletes all data. */
  close() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
