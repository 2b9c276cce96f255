import { describe, expect, test } from 'vitest';
import { filtersProjection } from '../../projections/filters.js';
import { filters } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { alice, bob } from '../support/people.js';
import { projectionContract } from '../support/projections.js';
import { RecordedUser } from '../support/recorded-user.js';

const log = new MemoryLog();
const [a, b] = [new RecordedUser(log, alice), new RecordedUser(log, bob)];

a.storesFilter('f1', { room: { timeline: { limit: 10 } } });
b.storesFilter('f1', {});
a.storesFilter('f2', JSON.parse('{"__proto__":{"limit":1},"event_fields":["a"]}') as object);

describe('filters', () => {
  test('are kept by user and ID, as they are', async () => {
    const found = (await folded(filtersProjection, log.records.slice(0, 3))).of(filters);
    expect(found).toHaveLength(3);
    expect(found).toContainEqual({ user_id: bob.id, filter_id: 'f1', filter: {}, position: 1 });
    expect(JSON.stringify(found.find(({ filter_id }) => filter_id === 'f2')?.filter)).toBe(
      '{"__proto__":{"limit":1},"event_fields":["a"]}',
    );
  });

  test('of a closed account go', async () => {
    const found = (await folded(filtersProjection, log.records)).of(filters);
    expect(found).toEqual([{ user_id: bob.id, filter_id: 'f1', filter: {}, position: 1 }]);
  });
});

a.deactivates();
projectionContract(filtersProjection, log.records);
