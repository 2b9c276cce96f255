/** Somebody with an account: the tests' named people, on two servers. */
export interface Person {
  readonly id: string;
  readonly server: string;
}

export function person(name: string, server: string): Person {
  return { id: `@${name}:${server}`, server };
}

export const alice = person('alice', 'one.example');
export const bob = person('bob', 'one.example');
export const carol = person('carol', 'two.example');
export const dave = person('dave', 'two.example');
export const erin = person('erin', 'three.example');
/** Belongs to no room unless a test says so. */
export const mallory = person('mallory', 'evil.example');
