import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../src/protocol/json.js';
import { compileServerAcl } from '../../src/protocol/server-acl.js';

describe('an m.room.server_acl event', () => {
  test.each<[JsonValue | undefined, string, boolean]>([
    [undefined, 'anyone.example', true],
    [{}, 'anyone.example', false],
    [{ allow: ['*'] }, 'anyone.example', true],
    [{ allow: ['*'], deny: ['evil.com'] }, 'evil.com', false],
    [{ allow: ['*'], deny: ['evil.com'] }, 'evil.com:8448', false],
    [{ allow: ['*'], deny: ['evil.com'] }, 'evil.com:1234', false],
    [{ allow: ['*'], deny: ['evil.com:8448'] }, 'evil.com:8448', true],
    [{ allow: ['*'], deny: ['evil.com'] }, 'not-evil.com', true],
    [{ allow: ['*'], deny: ['*.evil.com'] }, 'evil.com', true],
    [{ allow: ['*'], deny: ['*.evil.com'] }, 'a.b.evil.com', false],
    [{ allow: ['*'], deny: ['evil?.com'] }, 'evil7.com', false],
    [{ allow: ['*'], deny: ['evil?.com'] }, 'evil.com', true],
    [{ allow: ['*'], deny: ['EVIL.*'] }, 'evil.COM', false],
    [{ allow: ['*'], deny: ['EVIL.com'] }, 'Evil.COM', false],
    [{ allow: ['good.org'] }, 'good.org:443', true],
    [{ allow: ['good.org'] }, 'goodxorg', false],
    [{ allow: ['good.org'], deny: ['good.org'] }, 'good.org', false],
    // IP address literals
    [{ allow: ['*'], allow_ip_literals: false }, '1.2.3.4', false],
    [{ allow: ['*'], allow_ip_literals: false }, '1.2.3.4:8448', false],
    [{ allow: ['*'], allow_ip_literals: false }, '[::1]', false],
    [{ allow: ['*'], allow_ip_literals: false }, '[2001:db8::1]:8448', false],
    [{ allow: ['*'], allow_ip_literals: false }, '1.2.3.4.example.org', true],
    [{ allow: ['*'], allow_ip_literals: true }, '1.2.3.4', true],
    [{ allow: ['*'] }, '1.2.3.4', true],
    [{ allow: ['*'], deny: ['1.2.3.*'] }, '1.2.3.4:80', false],
    [{ allow: ['*'], deny: ['[::1]'] }, '[::1]:80', false],
    // malformed contents
    [{ allow: ['*'], allow_ip_literals: 'no' }, '1.2.3.4', true],
    [{ allow: '*' }, 'a.org', false],
    [{ allow: ['*'], deny: 'a.org' }, 'a.org', true],
    [{ allow: [1, null, 'a.org', {}], deny: [['a.org']] }, 'a.org', true],
    ['none', 'a.org', false],
    [null, 'a.org', false],
    // names that are none
    [{ allow: ['*'] }, '', false],
    [{ allow: ['*'] }, 'evil.com/', false],
    [{ allow: ['*'] }, 'evil.com:99999999', false],
  ])('%j, %s: %j', (content, server, allowed) => {
    expect(compileServerAcl(content)(server)).toBe(allowed);
  });

  test('of 60 kB is compiled and asked in no time', () => {
    const deny = [...Array(3000).keys()].map((n) => `*${n}*.a*?*b`);
    const started = performance.now();
    const acl = compileServerAcl({ allow: ['*'], deny });
    expect(acl('a'.repeat(220) + '.org')).toBe(true);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
