import { describe, expect, test } from 'vitest';
import { pushersProjection } from '../../projections/pushers.js';
import { pushers } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { alice, bob } from '../support/people.js';
import { projectionContract } from '../support/projections.js';
import { RecordedUser } from '../support/recorded-user.js';

async function pushersAfter(story: (a: RecordedUser, b: RecordedUser) => unknown) {
  const log = new MemoryLog();
  story(new RecordedUser(log, alice), new RecordedUser(log, bob));
  const found = (await folded(pushersProjection, log.records)).of(pushers);
  return found.map(({ user_id, pushkey, device_id, json }) => [user_id, pushkey, device_id, json]);
}

describe('pushers', () => {
  test('are one per user, application and key, as they were last set up', async () => {
    const found = await pushersAfter((a) => {
      a.setsPusher('PHONE', 'k1', { lang: 'en' });
      a.setsPusher('PHONE', 'k2', { lang: 'en' });
      a.setsPusher('TAB', 'k1', { lang: 'de' });
    });
    expect(found).toEqual([
      [alice.id, 'k1', 'TAB', '{"lang":"de"}'],
      [alice.id, 'k2', 'PHONE', '{"lang":"en"}'],
    ]);
  });

  test('go when they are removed, with their device, and when their content is forgotten', async () => {
    const found = await pushersAfter((a) => {
      for (const key of ['k1', 'k2', 'k4']) a.setsPusher('PHONE', key, {});
      a.setsPusher('TAB', 'k3', {});
      a.deletesPusher('k1');
      a.setsPusher('BOX', 'k4', undefined);
      a.signsOut('TAB');
    });
    expect(found).toEqual([[alice.id, 'k2', 'PHONE', '{}']]);
  });

  test.each([
    { append: false, left: [bob.id] },
    { append: true, left: [alice.id, bob.id] },
  ])('of others by the same key: with append $append $left.length are left', async ({ append, left }) => {
    const found = await pushersAfter((a, b) => {
      a.setsPusher('PHONE', 'k1', {});
      b.setsPusher('PHONE', 'k1', {}, append);
    });
    expect(found.map(([user]) => user)).toEqual(left);
  });
});

const log = new MemoryLog();
const [a, b] = [new RecordedUser(log, alice), new RecordedUser(log, bob)];
a.setsPusher('PHONE', 'k1', { a: 1 });
b.setsPusher('PHONE', 'k1', { a: 2 }, true);
a.setsPusher('TAB', 'k2', { a: 3 });
b.setsPusher('TAB', 'k2', { a: 4 });
a.setsPusher('PHONE', 'k3', { a: 5 });
a.setsPusher('PHONE', 'k3', undefined);
b.deletesPusher('k2');
a.signsOut('PHONE');
projectionContract(pushersProjection, log.records);
