import { isIPv6 } from 'node:net';

/** An IPv4 address inside IPv6, as sockets show it that listen for both. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * What counts as one address for limits: an IPv4 address as it is, of an IPv6 address the first 64 bits, since whoever
 * has one has the whole network of it.
 */
export function addressKey(address: string): string {
  const mapped = MAPPED.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [bare = ''] = address.split('%');
  return isIPv6(bare) ? `${firstGroups(bare).join(':')}::/64` : address;
}

/** Whether this is an address of the machine itself. */
export function isLoopback(address: string): boolean {
  const mapped = MAPPED.exec(address)?.[1] ?? address;
  return mapped.startsWith('127.') || mapped === '::1';
}

/** The first four groups of an IPv6 address, without leading zeros. */
function firstGroups(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::', 2);
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const all = [...before, ...zeros(8 - before.length - after.length), ...after];
  return all.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
}

/** An IPv4 address at the end stands for two groups. */
function groups(part: string): string[] {
  return part === '' ? [] : part.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}

function zeros(count: number): string[] {
  return Array.from({ length: Math.max(0, count) }, () => '0');
}
