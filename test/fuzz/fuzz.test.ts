import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { clientRoutes } from '../../src/http/client/routes.js';
import { expectSound } from '../support/soundness.js';
import { startTestServer, type TestClient, type TestServer } from '../support/server.js';
import { operations, resolveSpec } from '../support/spec.js';
import { Dice } from './dice.js';
import { Pool } from './pool.js';
import { Requests, shape, targets, type FuzzRequest, type Target } from './requests.js';
import { Values } from './values.js';

/** docs/testing.md says how to run it for longer, and how to repeat a run. */
const SECONDS = Number(process.env['ENGRAM_FUZZ_SECONDS'] ?? 5);
const SEED = process.env['ENGRAM_FUZZ_SEED'] ?? randomBytes(4).toString('hex');

/** Requests under way at once: some wait, as polls do. */
const AT_ONCE = 8;
/** The longest that any may take, in milliseconds: polls end after a second. */
const LONGEST = 20_000;
const PEOPLE = 4;
/** Memory that may be held after a run that was not held in its midst, in bytes: caches fill, nothing more. */
const MOST_GROWTH = 64 * 1024 * 1024;

const dice = new Dice(SEED);
const pool = new Pool(dice);
const requests = new Requests(dice, pool, new Values(dice, pool, resolveSpec), resolveSpec);

let server: TestServer;
const registered = new Set<string>();
let all: readonly Target[];
const people: TestClient[] = [];
let names = 0;
let asked = 0;
const failures: string[] = [];
const statuses = new Map<number, number>();
const reached = new Set<string>();

beforeAll(async () => {
  server = await startTestServer({
    oddContent: true,
    env: {
      ENGRAM_LIMITS__POLL_SECONDS: '1',
      ENGRAM_LIMITS__ROOM_CACHE_BYTES: '4194304',
      ENGRAM_LIMITS__STATE_CACHE_BYTES: '4194304',
      ENGRAM_LOGGING__LEVEL: 'error',
    },
  });
  const config = loadConfig({ env: { ENGRAM_REGISTRATION__SHARED_SECRET: 'x' }, cwd: '/' });
  const routes = clientRoutes(server.api, config);
  all = targets(operations(), routes);
  for (const { method, paths } of routes)
    for (const template of paths) registered.add(routeOf({ method, template }));
  for (let n = 0; n < PEOPLE; n++) people.push(await newcomer());
  for (const person of people) await settle(person);
});
afterAll(() => server.close());

async function newcomer(): Promise<TestClient> {
  const wish = { username: `fuzz${++names}`, password: 'fuzz', auth: { type: 'm.login.dummy' } };
  const body = (await server.stranger.post('/register', wish)).ok();
  pool.learn(body);
  return server.login(String(body['user_id']), { password: 'fuzz' });
}

/** A room with somebody in it, so that there is something to be asked for. */
async function settle(person: TestClient): Promise<void> {
  const wish = { preset: 'public_chat', room_alias_name: `room${names}-${person.userId.length}-${asked++}` };
  const body = (await person.post('/createRoom', wish)).ok();
  pool.learn(body);
  const roomId = String(body['room_id']);
  pool.learn((await person.put(`/rooms/${roomId}/send/m.room.message/1`, { body: 'hello' })).ok());
}

async function send(request: FuzzRequest): Promise<{ status: number; body: unknown; problem?: string }> {
  const { method, url, payload, headers } = request;
  const response = await server.app.inject({
    method: method as 'GET',
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });
  const status = response.statusCode;
  const type = String(response.headers['content-type'] ?? '');
  if (type.startsWith('text/html')) return { status, body: {} };
  let body: unknown;
  try {
    body = JSON.parse(response.body);
  } catch {
    return { status, body, problem: 'no JSON' };
  }
  // The lists of other servers cannot be had, and that is what is answered.
  if (status >= 500 && status !== 502) return { status, body, problem: 'a fault' };
  const { errcode, error, flows } = body as Record<string, unknown>;
  const isError = typeof errcode === 'string' && /^M_[A-Z_]+$/.test(errcode) && typeof error === 'string';
  const isChallenge = status === 401 && Array.isArray(flows);
  if (status >= 400 && !isError && !isChallenge) return { status, body, problem: 'no Matrix error' };
  return { status, body };
}

function routeOf({ method, template }: Pick<Target, 'method' | 'template'>): string {
  return `${method} ${shape(template)}`;
}

/** Whether a route of ours has not been got to yet; what is answered for paths that there are not counts for nothing. */
function isMissed(route: string): boolean {
  return registered.has(route) && !reached.has(route) && !route.includes('*') && !route.includes('_synapse');
}

/** One request and what comes of it. */
async function ask(target: Target): Promise<void> {
  const nth = dice.below(people.length);
  const person = people[nth];
  const isStranger = dice.chance(0.05);
  const request = requests.to(target, isStranger || person === undefined ? {} : person);
  asked++;
  const began = performance.now();
  const { status, body, problem } = await send(request);
  const took = performance.now() - began;
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const isThere =
    ![404, 405, 414, 415].includes(status) ||
    !/M_UNRECOGNIZED|M_NOT_JSON|M_INVALID_PARAM/.test(JSON.stringify(body));
  if (isThere) reached.add(routeOf(target));
  if (status === 200) pool.learn(body);
  if (problem !== undefined || took > LONGEST) {
    const text = request.payload?.toString('latin1').slice(0, 2000) ?? '';
    const what = `${request.to}: ${request.method} ${request.url.slice(0, 1000)} ${text}`;
    failures.push(`${problem ?? `${took} ms`} (${status}): ${what}\n${JSON.stringify(body).slice(0, 500)}`);
  }
  // Who has logged out, or closed their account, is followed by somebody else.
  if (person !== undefined && (await person.get('/account/whoami')).status === 401) {
    const next = await newcomer();
    await settle(next);
    if (people[nth] === person) people[nth] = next;
  }
}

async function run(next: () => Target | undefined): Promise<void> {
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let target = next(); target !== undefined; target = next()) {
        if (failures.length > 20) return;
        await ask(target);
      }
    }),
  );
}

/** Presence, and typing in a room or two. */
const TIMERS_EACH = 6;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Timers and sockets; handles of threads come and go with the stores. */
const handles = () =>
  process.getActiveResourcesInfo().filter((kind) => /Timeout|Immediate|TCP|Socket/.test(kind)).length;

describe(`random requests for ${SECONDS} s (seed ${SEED})`, () => {
  it(
    'are answered, or refused by a Matrix error, and leave nothing behind',
    async () => {
      // Each at least once, then whatever comes.
      for (let round = 0; round < 10; round++) {
        const missed = round === 0 ? [...all] : all.filter((target) => isMissed(routeOf(target)));
        await run(() => missed.pop());
      }
      const there = all.filter((target) => reached.has(routeOf(target)));
      const any = () => dice.pick(dice.chance(0.95) ? there : all);
      const handlesBefore = handles();
      const middle = performance.now() + (SECONDS * 1000) / 2;
      await run(() => (performance.now() < middle ? any() : undefined));
      const before = heapInUse();
      const end = performance.now() + (SECONDS * 1000) / 2;
      await run(() => (performance.now() < end ? any() : undefined));
      expect(failures.join('\n\n')).toBe('');
      expect(heapInUse() - before).toBeLessThan(MOST_GROWTH);
      // Who was there or typed a moment ago has timers until they are not: so many for each who ever came, not for each request.
      expect(handles()).toBeLessThanOrEqual(handlesBefore + 2 + TIMERS_EACH * names);
      expect(server.core.read.notifier.sleeping).toBe(0);
    },
    120_000 + SECONDS * 3000,
  );

  it('have been to every route, and got somewhere', () => {
    expect([...registered].filter(isMissed)).toEqual([]);
    expect(statuses.get(200)).toBeGreaterThan(asked / 20);
  });

  it(
    'leave a log in which every decision stands',
    async () => {
      await expectSound(server.core);
    },
    120_000 + SECONDS * 3000,
  );
});
