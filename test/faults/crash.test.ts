import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { runProgram } from '../support/program.js';
import { seededRandom } from '../support/seeded-random.js';
import { serveFolder, serverFor, type ServedServer } from '../support/served-server.js';
import { deleteReadModels } from '../support/stores-named.js';
import { checkEverything, type Checked } from './check.js';
import { Follower } from './follower.js';
import { Gate } from './gate.js';
import { Ledger } from './ledger.js';
import { Load, type Chain, type Dice } from './load.js';
import { openHouse } from './house.js';
import { seenByAll } from './seen.js';

/** docs/testing.md says how to run it with more, and how to repeat a run. */
const KILLS = Number(process.env['ENGRAM_CRASH_KILLS'] ?? 20);
const SEED = process.env['ENGRAM_CRASH_SEED'] ?? randomBytes(4).toString('hex');

/** The longest that a server is left alone under load, and to start, before it is killed (milliseconds). */
const LONGEST_LIFE = 400;
const LONGEST_START = 700;
/** How long a server may go on with what it was asked for by clients that it has lost (milliseconds). */
const LAST_WORDS = 30;
/** How often the whole history is checked, and the stopped folder by `rebuild --check` and `verify`. */
const FULL_CHECK_EVERY = 10;

const TIMEOUT = 60_000 + KILLS * 10_000;

const folder = temporaryFolder();
const gate = new Gate();
const ledger = new Ledger();
const roll = dice(SEED);
let kills = 0;
let server: ServedServer;
let load: Load;
let checked: Checked;

beforeAll(async () => {
  server = await serveFolder(folder.path);
  const { clients, rooms, reader } = await openHouse(server.url, ledger);
  load = new Load(ledger, gate, rooms);
  const follower = new Follower(gate, reader);
  follower.run();
  checked = { gate, ledger, rooms, clients, follower, whole: new Map(), timelines: new Map() };
});

afterAll(async () => {
  gate.close();
  checked.follower.end();
  await server.kill();
  await Promise.all(checked.clients.map((client) => client.close()));
  folder.remove();
});

test(
  `nothing acknowledged is lost, doubled or out of order over ${KILLS} kills (seed ${SEED})`,
  { timeout: TIMEOUT },
  async () => {
    const starts: number[] = [];
    let checkedTick = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      load.start(chains(kill));
      await setTimeout(roll() * LONGEST_LIFE);
      await killServer();
      // A server that is killed while it starts has done no harm either.
      if (roll() < 0.2) await killWhileStarting();
      await startServer();
      starts.push(server.startMs);
      // Some are killed again while the clients repeat what was lost, and before anybody looks.
      const whole = kill % FULL_CHECK_EVERY === 0 || kill === KILLS;
      if (!whole && roll() < 0.3) {
        await setTimeout(roll() * 50);
        await killServer();
        await startServer();
      }
      await load.pause();
      const tick = ledger.now();
      await checkEverything(checked, checkedTick, whole);
      checkedTick = tick;
      if (whole) await checkFolder(kill);
    }
    starts.sort((a, b) => a - b);
    const [middle, longest] = [starts[starts.length >> 1] ?? 0, starts.at(-1) ?? 0];
    console.info(
      `${kills} kills, seed ${SEED}: ${ledger.acknowledgedEvents()} events and ${ledger.rooms.size} rooms ` +
        `acknowledged, ${ledger.lost} answers lost and asked for again; a start takes ${middle.toFixed(0)} ms ` +
        `(at most ${longest.toFixed(0)} ms).`,
    );
  },
);

test(
  'deleted read models and room states are built again, and say the same',
  { timeout: TIMEOUT },
  async () => {
    for (const derived of ['read-models', 'room-state']) {
      const before = await seenByAll(checked);
      await killServer();
      if (derived === 'read-models') await deleteReadModels(server.environment);
      else rmSync(join(folder.path, derived), { recursive: true });
      // Killed while it builds them, it goes on.
      await killWhileStarting();
      await startServer();
      expect(await seenByAll(checked), derived).toEqual(before);
      await checkEverything(checked, 0, true);
    }
    await checkFolder(0);
  },
);

test('a server that is killed again and again while it makes its folder starts all the same', async () => {
  const empty = temporaryFolder();
  const first = await serverFor(empty.path);
  for (let kill = 0; kill < 6; kill++) await first.startAndKill(roll() * LONGEST_START);
  await first.start();
  await first.stop();
  empty.remove();
});

/**
 * Kills the server. Often the clients lose their connections just before: then it has done what it was asked for, and
 * nobody has been told.
 */
async function killServer(): Promise<void> {
  gate.close();
  if (roll() < 0.5) {
    await Promise.all(checked.clients.map((client) => client.hangUp()));
    await setTimeout(roll() * LAST_WORDS);
  }
  await server.kill();
  kills++;
}

async function killWhileStarting(): Promise<void> {
  await server.startAndKill(roll() * LONGEST_START);
  kills++;
}

async function startServer(): Promise<void> {
  await server.start();
  gate.open();
}

/** What is on the disk is sound and whole: after a clean end, and after a kill. */
async function checkFolder(round: number): Promise<void> {
  gate.close();
  await (round % 20 === 0 ? server.stop() : server.kill());
  for (const args of [['rebuild', '--check'], ['verify']]) {
    const { ended, written } = runProgram(args, server.environment);
    expect(await ended, `engram ${args.join(' ')}: ${written.stdout}\n${written.stderr}`).toBe(0);
  }
  await startServer();
}

/** One to three things at once for each user. */
function chains(round: number): Chain[] {
  return checked.clients.flatMap((client, user) =>
    Array.from({ length: 1 + Math.floor(roll() * 3) }, (_, index) => {
      const name = `${round}.${user}.${index}`;
      return { client, first: index === 0, name, dice: dice(`${SEED} ${name}`) };
    }),
  );
}

function dice(seed: string): Dice {
  const random = seededRandom(seed);
  return () => Buffer.from(random.bytes(4)).readUInt32LE() / 2 ** 32;
}
