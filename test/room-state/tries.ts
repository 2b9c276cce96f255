import { createHash } from 'node:crypto';
import type { Hash } from '../../src/room-state/node.js';
import { CachedNodes, MemoryNodeStore } from '../../src/room-state/nodes.js';
import { EMPTY_ROOT, update, type Changes } from '../../src/room-state/trie.js';

/** A store with its reader, and updates that are kept. */
export class Tries {
  readonly store = new MemoryNodeStore();
  readonly nodes = new CachedNodes(this.store);

  update(root: Hash, changes: Changes): Hash {
    const updated = update(this.nodes, root, changes);
    this.store.put(updated.nodes);
    return updated.root;
  }

  of(map: ReadonlyMap<string, string>): Hash {
    return this.update(EMPTY_ROOT, map);
  }

  encoded(hashes: readonly Hash[]): Map<Hash, Uint8Array> {
    return new Map(hashes.map((hash) => [hash, this.store.get(hash) ?? new Uint8Array()]));
  }
}

/** The nth member's state key. */
export function member(n: number): string {
  return `13:m.room.member@user${n}:example.org`;
}

/** The nth event ID, in the form of room versions from 4 on. */
export function eventId(n: number): string {
  return `$${createHash('sha256').update(String(n)).digest('base64url')}`;
}

/** A room's state with the usual events and so many members. */
export function roomState(members: number): Map<string, string> {
  const types = ['create', 'power_levels', 'join_rules', 'history_visibility', 'name', 'topic', 'avatar'];
  types.push('guest_access', 'canonical_alias', 'encryption');
  const state = new Map<string, string>();
  for (const [n, type] of types.entries()) {
    state.set(`${type.length + 7}:m.room.${type}`, eventId(1_000_000 + n));
  }
  for (let n = 0; n < members; n++) state.set(member(n), eventId(n));
  return state;
}
