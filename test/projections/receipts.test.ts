import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { receiptsProjection } from '../../projections/receipts.js';
import { receipts } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { alice, bob } from '../support/people.js';
import { projectionContract } from '../support/projections.js';
import { RecordedUser } from '../support/recorded-user.js';

const ROOM = '!room:one.example';

async function receiptsAfter(story: (user: RecordedUser) => unknown) {
  const log = new MemoryLog();
  story(new RecordedUser(log, alice));
  return (await folded(receiptsProjection, log.records)).of(receipts);
}

describe('a receipt', () => {
  test('is one per room, type and thread', async () => {
    const found = await receiptsAfter((user) => {
      user.reads(ROOM, '$1', 1, { ts: 7 });
      user.reads(ROOM, '$2', 2, { receipt_type: 'm.read.private' });
      user.reads(ROOM, '$3', 3, { thread_id: 'main' });
      user.reads(ROOM, '$4', 4, { thread_id: '$root' });
      user.reads('!other:one.example', '$5', 5);
      user.reads(ROOM, '$6', 6, { receipt_type: 'm.fully_read' });
    });
    expect(found.map(({ receipt_type, thread_id, event_id }) => [event_id, receipt_type, thread_id])).toEqual(
      [
        ['$5', 'm.read', ''],
        ['$1', 'm.read', ''],
        ['$4', 'm.read', '$root'],
        ['$3', 'm.read', 'main'],
        ['$2', 'm.read.private', ''],
      ],
    );
    const read = { room_id: ROOM, receipt_type: 'm.read', user_id: alice.id, thread_id: '' };
    expect(found[1]).toEqual({ ...read, event_id: '$1', event_position: 1, ts: 7, position: 0 });
  });

  test.each([
    { from: 5, to: 6, moves: true },
    { from: 5, to: 4, moves: false },
    { from: 5, to: null, moves: false },
    { from: 0, to: null, moves: false },
    { from: null, to: 0, moves: true },
    { from: null, to: null, moves: true },
  ])('moves from $from to $to: $moves', async ({ from, to, moves }) => {
    const found = await receiptsAfter((user) => {
      user.reads(ROOM, '$from', from);
      user.reads(ROOM, '$to', to);
    });
    expect(found).toMatchObject([{ event_id: moves ? '$to' : '$from', position: +moves }]);
  });

  test('stays as it is when it is posted again', async () => {
    const found = await receiptsAfter((user) => {
      user.reads(ROOM, '$1', 1, { ts: 1 });
      user.reads(ROOM, '$1', 1, { ts: 2 });
    });
    expect(found).toMatchObject([{ ts: 1, position: 0 }]);
  });

  test('is at the newest event whose place is known, in whatever order receipts come', async () => {
    const posted = fc.array(fc.option(fc.nat({ max: 20 })), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(posted, async (positions) => {
        const found = await receiptsAfter((user) => {
          positions.forEach((at) => user.reads(ROOM, `$${at ?? 'unknown'}`, at));
        });
        const known = positions.filter((at) => at !== null);
        expect(found).toHaveLength(1);
        expect(found[0]?.event_position).toBe(known.length === 0 ? null : Math.max(...known));
      }),
      { numRuns: 30 },
    );
  });
});

const log = new MemoryLog();
const [a, b] = [new RecordedUser(log, alice), new RecordedUser(log, bob)];
a.reads(ROOM, '$3', 3);
b.reads(ROOM, '$x', null);
b.reads(ROOM, '$1', 1, { thread_id: '__proto__' });
a.reads(ROOM, '$1', 1);
b.reads(ROOM, '$2', 2);
b.reads(ROOM, '$y', null);
a.reads(ROOM, '$4', 4, { receipt_type: 'm.fully_read' });
a.reads(ROOM, '$5', 5, { receipt_type: 'm.read.private', thread_id: 'main' });
a.reads(ROOM, '$9', 9);
projectionContract(receiptsProjection, log.records);
