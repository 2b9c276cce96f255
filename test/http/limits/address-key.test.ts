import { describe, expect, it } from 'vitest';
import { addressKey, isLoopback } from '../../../src/http/limits/address-key.js';

describe('an address', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:203.0.113.7', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
    ['', ''],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  it('of this machine is told from others', () => {
    const addresses = ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', '203.0.113.7', '::2', ''];
    expect(addresses.filter(isLoopback)).toEqual(addresses.slice(0, 4));
  });
});
