import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { recordForgotten, sealedEvent } from '../../../src/commands/forgetting/forgotten.js';
import { KeyKeeper, type KeyKeeperOptions } from '../../../src/commands/forgetting/key-keeper.js';
import { until } from '../../support/until.js';
import { World } from '../../support/world.js';

let world: World;
let alice: string;
let roomId: string;
let stop: AbortController;
let running: Promise<void>;

beforeEach(async () => {
  world = await World.open();
  alice = await world.user('alice');
  roomId = await world.room(alice);
  stop = new AbortController();
  running = Promise.resolve();
});

afterEach(async () => {
  await end();
  await world.close();
});

async function end(): Promise<void> {
  stop.abort();
  await running;
}

function keep(more: Partial<KeyKeeperOptions> = {}): void {
  stop = new AbortController();
  const options = { ports: world.ports, whenFolded: async () => true, onForgotten: () => undefined, ...more };
  running = new KeyKeeper(options).run(stop.signal);
}

async function toForget(eventId: string): Promise<number> {
  const sealed = await sealedEvent(world.side, roomId, eventId);
  if (sealed === undefined) throw new Error('There is nothing to forget.');
  await recordForgotten(world.side, { cause: 'redacted' }, [sealed], world.context());
  return world.log.head;
}

const isForgotten = async (eventId: string): Promise<boolean> =>
  (await world.ports.events.record(roomId, eventId))?.forgotten === true;

describe('the keeper of keys', () => {
  test('destroys the keys of what is to be forgotten, and no others', async () => {
    keep();
    const [gone, kept] = [await world.says(alice, roomId, 'gone'), await world.says(alice, roomId, 'kept')];
    await toForget(gone);
    await until(() => isForgotten(gone));
    expect(await isForgotten(kept)).toBe(false);
    const later = await world.says(alice, roomId, 'later');
    await toForget(later);
    await until(() => isForgotten(later));
  });

  test('drops what is at hand in memory', async () => {
    keep();
    const said = await world.says(alice, roomId, 'gone');
    const body = async () => (await world.ports.events.load(roomId, said))?.content['body'];
    expect(await body()).toBe('gone');
    await toForget(said);
    await until(async () => (await body()) === undefined);
  });

  test('tells how far everything is forgotten', async () => {
    const told: number[] = [];
    keep({ onForgotten: (position) => told.push(position) });
    const position = await toForget(await world.says(alice, roomId, 'gone'));
    await until(() => told.length > 0);
    expect(told).toEqual([position]);
  });

  test('makes up at the start for what was not done before it', async () => {
    const said = [await world.says(alice, roomId, '1'), await world.says(alice, roomId, '2')];
    for (const one of said) await toForget(one);
    await world.restart();
    expect(await isForgotten(said[0] ?? '')).toBe(false);
    keep();
    for (const one of said) await until(() => isForgotten(one));
  });

  test('forgets again what a key file from a backup still knew', async () => {
    const keyFile = join(world.folder, 'keys', 'seal.key');
    const backup = join(world.folder, 'seal.key.backup');
    const said = await world.says(alice, roomId, 'gone');
    copyFileSync(keyFile, backup);
    keep();
    await toForget(said);
    await until(() => isForgotten(said));
    await end();
    await world.stop();
    copyFileSync(backup, keyFile);
    await world.start();
    expect(await isForgotten(said)).toBe(false);
    keep();
    await until(() => isForgotten(said));
  });

  test('waits until read models know what is forgotten', async () => {
    let fold: (done: boolean) => void = () => undefined;
    const asked: number[] = [];
    keep({
      whenFolded: (position) => {
        asked.push(position);
        return new Promise((resolve) => (fold = resolve));
      },
    });
    const said = await world.says(alice, roomId, 'gone');
    const position = await toForget(said);
    await until(() => asked.length > 0);
    expect(asked).toEqual([position]);
    expect(await isForgotten(said)).toBe(false);
    fold(true);
    await until(() => isForgotten(said));
  });

  test('ends while it waits', async () => {
    keep({ whenFolded: async () => false });
    const said = await world.says(alice, roomId, 'gone');
    await toForget(said);
    await until(() => world.clock.pending > 0);
    await end();
    expect(await isForgotten(said)).toBe(false);
  });
});
