import { MongoCommands } from '../../src/read-models/mongodb-commands.js';
import type { Change } from '../../src/read-models/mongodb-documents.js';
import { MongoLink } from '../../src/read-models/mongodb-link.js';
import { MongoReadStore } from '../../src/read-models/mongodb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { systemClock, type Clock } from '../../src/runtime/clock.js';

/** Does a durable step, or not: `command` does it. Steps are counted from 0. */
export type OnStep = <T>(command: () => Promise<T>, step: number) => Promise<T>;

/** Commands whose durable steps a test holds, loses or lets through; each document that is changed is one. */
export class SteppingCommands extends MongoCommands {
  readonly #onStep: OnStep;
  #steps = 0;

  constructor(link: MongoLink, onStep: OnStep) {
    super(link);
    this.#onStep = onStep;
  }

  override replaceState(...args: Parameters<MongoCommands['replaceState']>): Promise<boolean> {
    return this.#step(() => super.replaceState(...args));
  }

  override prepareCollection(...args: Parameters<MongoCommands['prepareCollection']>): Promise<void> {
    return this.#step(() => super.prepareCollection(...args));
  }

  override async change(physical: string, changes: readonly Change[], position: number): Promise<void> {
    for (const change of changes) await this.#step(() => super.change(physical, [change], position));
  }

  override putPart(...args: Parameters<MongoCommands['putPart']>): Promise<void> {
    return this.#step(() => super.putPart(...args));
  }

  override removeParts(...args: Parameters<MongoCommands['removeParts']>): Promise<void> {
    return this.#step(() => super.removeParts(...args));
  }

  #step<T>(command: () => Promise<T>): Promise<T> {
    return this.#onStep(command, this.#steps++);
  }
}

/** @param clock for all but the times that the way to the server has */
export function steppingStore(url: string, onStep: OnStep, clock: Clock = systemClock): ReadStore {
  return new MongoReadStore(new SteppingCommands(new MongoLink(url, systemClock), onStep), clock);
}
