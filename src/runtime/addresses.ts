import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * Addresses that are not hosts of the public Internet: IANA's special-purpose registries (RFC 6890 and later),
 * multicast, and ranges that carry an IPv4 address within, which could be any.
 */
const SPECIAL_IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by carriers' NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, cloud metadata
  '172.16.0.0/12', // private
  '192.0.0.0/24', // IETF protocols
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
];

/** Beside these, all of IPv6 that is not 2000::/3 (global unicast) is special. */
const SPECIAL_IPV6 = [
  '2001::/23', // IETF protocols, Teredo among them
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
];

const special = new BlockList();
for (const [type, ranges] of [
  ['ipv4', SPECIAL_IPV4],
  ['ipv6', SPECIAL_IPV6],
] as const) {
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    special.addSubnet(address, Number(prefix), type);
  }
}
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address (without brackets) is one of the public Internet. Anything else than an address is not. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, 'ipv4');
  // With a zone (fe80::1%eth0) it is link-local. IPv4 within IPv6 is outside 2000::/3 or in the list above.
  if (!isIPv6(address) || address.includes('%')) return false;
  return global.check(address, 'ipv6') && !special.check(address, 'ipv6');
}
