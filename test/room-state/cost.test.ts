import { describe, expect, test } from 'vitest';
import { diff } from '../../src/room-state/diff.js';
import type { Hash, Node } from '../../src/room-state/node.js';
import { entries, lookup, update } from '../../src/room-state/trie.js';
import { eventId, member, roomState, Tries } from './tries.js';

const MEMBERS = 28_000;
const MEMBER_TYPE = '13:m.room.member';

describe('in a room of 28,000 members', () => {
  const tries = new Tries();
  const root = tries.of(roomState(MEMBERS));

  function counted(work: (nodes: { read(hash: Hash): Node }) => void): number {
    let reads = 0;
    work({ read: (hash) => (reads++, tries.nodes.read(hash)) });
    return reads;
  }

  test('a change writes less than 2 kB, names of nodes included', () => {
    let bytes = 0;
    for (let n = 0; n < 500; n++) {
      const change = new Map([[member(n * 53), eventId(-n - 1)]]);
      const { nodes } = update(tries.nodes, root, change);
      for (const each of nodes.values()) bytes += each.length + 24;
      expect(nodes.size).toBeLessThan(12);
    }
    expect(bytes / 500).toBeLessThan(2000);
  });

  test('a look-up reads a handful of nodes', () => {
    for (let n = 0; n < MEMBERS; n += 97) {
      expect(counted((nodes) => lookup(nodes, root, member(n)))).toBeLessThan(12);
    }
  });

  test('the events that are no members are listed without reading the members', () => {
    const other: string[] = [];
    const reads = counted((nodes) => {
      for (const [key] of entries(nodes, root, { except: [MEMBER_TYPE] })) other.push(key);
    });
    expect(other).toHaveLength(10);
    expect(other.every((key) => !key.startsWith(MEMBER_TYPE))).toBe(true);
    expect(reads).toBeLessThan(20);
  });

  test('one type is listed alone', () => {
    const names: string[] = [];
    const reads = counted((nodes) => {
      for (const [key] of entries(nodes, root, { only: '11:m.room.name' })) names.push(key);
    });
    expect(names).toEqual(['11:m.room.name']);
    expect(reads).toBeLessThan(6);
    expect([...entries(tries.nodes, root, { only: MEMBER_TYPE })]).toHaveLength(MEMBERS);
    expect([...entries(tries.nodes, root, { only: '12:m.room.nobody' })]).toEqual([]);
  });

  test('the difference of ten changes is found by reading their paths', () => {
    const changes = new Map([...Array(10).keys()].map((n) => [member(n * 1000), eventId(-n - 1)]));
    const other = tries.update(root, changes);
    const reads = counted((nodes) => {
      expect([...diff(nodes, root, other)]).toHaveLength(10);
    });
    expect(reads).toBeLessThan(200);
  });
});
