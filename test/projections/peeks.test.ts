import { describe, expect, test } from 'vitest';
import { peeksProjection } from '../../projections/peeks.js';
import { peeks } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { alice, bob } from '../support/people.js';
import { projectionContract } from '../support/projections.js';
import { RecordedUser } from '../support/recorded-user.js';

function story(): { log: MemoryLog; a: RecordedUser } {
  const log = new MemoryLog();
  const [a, b] = [new RecordedUser(log, alice), new RecordedUser(log, bob)];
  a.peeks('PHONE', '!a:one');
  a.peeks('PHONE', '!b:one');
  a.peeks('TAB', '!a:one');
  b.peeks('PHONE', '!a:one');
  a.unpeeks('!a:one', 'PHONE', 'TAB');
  a.peeks('TAB', '!c:one');
  return { log, a };
}

describe('peeks', () => {
  test('are kept by device until they end, or the device does', async () => {
    const { log, a } = story();
    const shown = async () =>
      (await folded(peeksProjection, log.records))
        .of(peeks)
        .map(({ user_id, device_id, room_id, position }) => [user_id, device_id, room_id, position]);
    expect(await shown()).toEqual([
      [alice.id, 'PHONE', '!b:one', 1],
      [alice.id, 'TAB', '!c:one', 5],
      [bob.id, 'PHONE', '!a:one', 3],
    ]);
    a.signsOut('TAB', 'PHONE');
    expect(await shown()).toEqual([[bob.id, 'PHONE', '!a:one', 3]]);
  });
});

const { log, a } = story();
a.signsOut('PHONE');
projectionContract(peeksProjection, log.records);
