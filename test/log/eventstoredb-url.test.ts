import { describe, expect, test } from 'vitest';
import { LogFormatError } from '../../src/log/errors.js';
import { checkUrl } from '../../src/log/eventstoredb-url.js';

describe('a connection string', () => {
  test('is taken with accounts, TLS and several hosts, and gives the hosts', () => {
    for (const [url, hosts] of [
      ['esdb://localhost:2113?tls=false', 'localhost:2113'],
      ['esdb://localhost', 'localhost'],
      ['esdb://admin:p%40ss@db.example.org:2113?tls=true&tlsCAFile=/etc/ca.crt', 'db.example.org:2113'],
      ['esdb://a:b@one:2113,two:2113,three:2113/?nodePreference=leader', 'one:2113,two:2113,three:2113'],
      ['esdb+discover://cluster.example.org?keep_alive-interval=10000', 'cluster.example.org'],
      ['esdb://h?userCertFile=/c&userKeyFile=/k&gossipTimeout=3&maxDiscoverAttempts=2', 'h'],
    ] as const) {
      expect(checkUrl(url)).toBe(hosts);
    }
  });

  test('is refused, without being shown, where the driver would not take it or would print it', () => {
    for (const [url, reason] of [
      ['http://admin:secret@localhost:2113', 'is not a connection string'],
      ['localhost:2113', 'is not a connection string'],
      ['esdb://admin:se@cret@localhost:2113', 'is not a connection string'],
      ['esdb://admin:secret@localhost:2113?tls', 'no option with a value'],
      ['esdb://admin:secret@localhost:2113?tls=', 'no option with a value'],
      ['esdb://admin:secret@localhost:2113?tsl=false', '"tsl", which is no option'],
      ['esdb://admin:secret@localhost?tlsVerifyCert=false', 'certificates are always checked'],
      ['esdb://admin:secret@localhost?nodePreference=follower', 'must be leader'],
      ['esdb://admin:secret@localhost?throwOnAppendFailure=false', 'cannot be used'],
    ] as const) {
      const refusal = (): unknown => checkUrl(url);
      expect(refusal).toThrow(LogFormatError);
      expect(refusal).toThrow(reason);
      expect(refusal).not.toThrow(/secret|se@cret/);
    }
  });
});
