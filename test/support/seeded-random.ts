import { hash } from 'node:crypto';
import type { Random } from '../../src/runtime/random.js';

/** Bytes that look random and are the same for the same seed. */
export function seededRandom(seed: string): Random {
  let count = 0;
  return {
    bytes(length) {
      const blocks: Buffer[] = [];
      for (let got = 0; got < length; got += 32) blocks.push(hash('sha256', `${seed} ${count++}`, 'buffer'));
      return Buffer.concat(blocks).subarray(0, length);
    },
  };
}
