import { describe, expect, test } from 'vitest';
import type { NewRecord } from '../../src/log/log.js';
import { AppendedRecords } from '../../src/log/recent-records.js';

const STREAM = 'user-@alice:here';

function profile(id: string): NewRecord {
  const data = { fields: { displayname: 'Alice' }, user_id: '@alice:here' };
  return { id, type: 'profile.changed', version: 1, data, metadata: { correlation_id: 'c', received_at: 1 } };
}

function stored(id: string, position: number, revision: number) {
  const bytes = new Uint8Array();
  return { id, type: 'profile.changed', data: bytes, metadata: bytes, stream: STREAM, revision, position };
}

describe('what was appended lately', () => {
  const records = new AppendedRecords();
  records.remember(STREAM, [profile('a'), profile('b')], { revision: 8, positions: [100, 250] }, 500);

  test('is known where it lies, as reading it would give it', () => {
    expect(records.at(stored('b', 250, 8))).toEqual({
      ...profile('b'),
      stream: STREAM,
      revision: 8,
      position: 250,
      index: 0,
      forgotten: false,
    });
    expect(Object.keys(records.at(stored('a', 100, 7))?.data ?? {})).toEqual(['user_id', 'fields']);
  });

  test('is not taken for what else is there', () => {
    expect(records.at(stored('c', 250, 8))).toBeUndefined();
    expect(records.at(stored('b', 250, 9))).toBeUndefined();
    expect(records.at(stored('b', 251, 8))).toBeUndefined();
  });

  test('is known no more once something was forgotten', () => {
    records.clear();
    expect(records.at(stored('a', 100, 7))).toBeUndefined();
  });
});
