import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, publicBaseUrl, type Config, type ConfigProblem } from '../src/config.js';
import { allPaths } from '../src/config/problems.js';
import { configSchema, pathText, schemaAt, types, variableName } from '../src/config/schema.js';
import { ROOM_VERSIONS } from '../src/protocol/room-versions.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'engram-config-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(text: string, name = 'engram.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function load(text: string, env: Record<string, string> = {}): Config {
  return loadConfig({ file: file(text), env, cwd: folder });
}

function problems(text: string, env: Record<string, string> = {}): readonly ConfigProblem[] {
  return errorOf(text, env).problems;
}

function errorOf(text: string, env: Record<string, string> = {}): ConfigError {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('There is nothing wrong with it.');
}

describe('no configuration', () => {
  it('is a server for localhost', () => {
    const config = loadConfig({ env: {}, cwd: '/srv' });
    expect(config).toMatchObject({
      server_name: 'localhost',
      data_dir: '/srv/data',
      default_room_version: '12',
      listeners: [{ host: '127.0.0.1', port: 8008, tls: null, resources: ['client'] }],
      log: { adapter: 'lmdb', url: null },
      registration: { enabled: false, tokens: [], shared_secret: null },
      email: null,
    });
    expect(publicBaseUrl(config)).toBe('http://localhost:8008');
  });

  it('has a value for every key that is not within an optional object', () => {
    const config = loadConfig({ env: {}, cwd: '/srv' });
    for (const path of allPaths(configSchema, [])) {
      const above = path.slice(0, -1).map((_, i) => value(config, path.slice(0, i + 1)));
      if (above.some((container) => container === null)) continue;
      if (path.at(-1) === 0) continue;
      expect(value(config, path), pathText(path)).not.toBeUndefined();
    }
  });

  it('gives each caller an object of its own', () => {
    const [one, two] = [loadConfig({ env: {}, cwd: '/' }), loadConfig({ env: {}, cwd: '/' })];
    expect(one).toEqual(two);
    expect(one.listeners).not.toBe(two.listeners);
  });
});

function value(from: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, part) => {
    if (typeof inner !== 'object' || inner === null) return undefined;
    return Object.entries(inner).find(([key]) => key === String(part))?.[1];
  }, from);
}

describe('a file', () => {
  it('is YAML', () => {
    const config = load(
      '# mine\nserver_name: example.org # it is\nlisteners:\n  - port: 80\n  - { port: 81 }\n',
    );
    expect(config.server_name).toBe('example.org');
    expect(config.listeners.map(({ port }) => port)).toEqual([80, 81]);
    expect(publicBaseUrl(config)).toBe('https://example.org');
  });

  it('is JSON, tabs and escapes included', () => {
    const config = load(
      '{\n\t"server_name": "exampl\\u0065.org",\n\t"public_baseurl": "https:\\/\\/m.example.org\\/"\n}',
    );
    expect(config.server_name).toBe('example.org');
    expect(publicBaseUrl(config)).toBe('https://m.example.org');
  });

  it('may be empty', () => {
    expect(load('').server_name).toBe('localhost');
    expect(load('# nothing\n').server_name).toBe('localhost');
  });

  it('takes everything that the conformance tools write', () => {
    const fixtures = join(import.meta.dirname, 'fixtures', 'tls');
    copyFileSync(join(fixtures, 'localhost.crt'), join(folder, 'tls.crt'));
    copyFileSync(join(fixtures, 'localhost.key'), join(folder, 'tls.key'));
    writeFileSync(join(folder, 'as.yaml'), 'id: one\n');
    const config = load(
      JSON.stringify({
        server_name: 'localhost:8800',
        public_baseurl: 'https://localhost:8800',
        data_dir: join(folder, 'data'),
        listeners: [
          {
            port: 8800,
            host: 'localhost',
            tls: { cert_file: 'tls.crt', key_file: 'tls.key' },
            resources: ['client', 'federation'],
          },
          { port: 8801, host: 'localhost', tls: null, resources: ['client'] },
        ],
        registration: {
          enabled: true,
          allow_guests: true,
          shared_secret: 'reg_secret',
          recaptcha: { siteverify_url: 'http://localhost:1/x', public_key: 'p', private_key: 'q' },
        },
        outbound_http: { trusted_ca_files: ['tls.crt'], allow_private_addresses: true },
        federation: { public_room_list: true },
        room_list: { allow_without_auth: true },
        rate_limits: { enabled: false },
        app_services: ['as.yaml'],
        logging: { level: 'info', file: join(folder, 'engram.log') },
        url_preview: { enabled: true },
        default_room_version: '10',
        email: { smtp: { host: 'localhost', port: 2525, from: 'engram@localhost' } },
        cas: { server_url: 'http://localhost:2/cas' },
      }),
    );
    expect(config.listeners[0]?.tls?.cert_file).toBe(join(folder, 'tls.crt'));
    expect(config.email).toEqual({ smtp: { host: 'localhost', port: 2525, from: 'engram@localhost' } });
  });

  it.each([
    ['server_name: a\nserver_name: b', /line 2, column 1: Map keys must be unique; expected each key once/],
    ['{"log": {"url": "a", "url": "b"}}', /unique/],
    ['server_name: [1', /line 1/],
    ['a: 1\n---\nb: 2', /2 documents; expected one/],
    ['- 1', /no keys and values/],
    ['server_name: !!js/function x', /Unresolved tag/],
    ['? {a: 1}\n: 2', /Wi?th? ?stringKeys|string/i],
  ])('%j is refused', (text, message) => {
    expect(errorOf(text).message).toMatch(message);
  });

  it('that unfolds without bound is refused', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 12; i += 1) {
      bomb.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(', ')}]`);
    }
    expect(errorOf(bomb.join('\n')).message).toMatch(/alias/i);
  });

  it('that is not there, or too large, is refused with its name', () => {
    expect(() => loadConfig({ file: 'missing.yaml', env: {}, cwd: folder })).toThrow(
      /missing\.yaml.*ENOENT/s,
    );
    expect(errorOf('#'.repeat(1024 * 1024 + 1)).message).toMatch(/more than 1048576 bytes/);
  });

  it('does not show its text when it cannot be parsed', () => {
    expect(errorOf('registration:\n  shared_secret: hunter2: x').message).not.toContain('hunter2');
  });

  it('cannot reach prototypes', () => {
    const found = problems('__proto__: { polluted: true }\nconstructor: { prototype: { polluted: true } }');
    expect(found.map(({ path }) => path)).toEqual(['__proto__', 'constructor']);
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('errors', () => {
  it('come all at once, each with its path, what was found and what is expected', () => {
    const text = `
server_name: "not a name"
default_room_version: 12
listeners:
  - port: 99999
    resources: [client, clients]
  - { host: 1, tls: { cert_file: x } }
registration: { enabled: yes, recaptcha: { public_key: a } }
limits: { room_cache_bytes: 1 }
logging: loud
`;
    expect(problems(text).map(({ path, found, expected }) => [path, found, expected])).toEqual(
      expect.arrayContaining([
        ['server_name', '"not a name"', 'a server name (a host name or address, and perhaps a port)'],
        ['default_room_version', 'the number 12', expect.stringContaining('"11" or "12"')],
        ['listeners[0].port', 'the number 99999', 'an integer from 0 to 65535'],
        ['listeners[0].resources[1]', '"clients"', '"client", "federation", "metrics" or "health"'],
        ['listeners[1].host', 'the number 1', 'text'],
        ['listeners[1].tls.key_file', 'nothing', 'the path of a file or folder'],
        ['registration.enabled', '"yes"', 'true or false'],
        ['registration.recaptcha.private_key', 'nothing', 'text'],
        ['limits.room_cache_bytes', 'the number 1', 'an integer from 1048576 to 1099511627776 (bytes)'],
        ['logging', 'a string', 'an object with the keys level, file'],
      ]),
    );
    expect(problems(text)).toHaveLength(10);
  });

  it('are told in lines', () => {
    expect(errorOf('listeners: [{ port: -1 }]\nurl_preview: 1').message).toBe(
      [
        'The configuration has 2 errors:',
        '  listeners[0].port: found the number -1; expected an integer from 0 to 65535',
        '  url_preview: found a number; expected an object with the keys enabled',
      ].join('\n'),
    );
  });

  it.each([
    ['registraton: {}', 'registraton', 'registration, the nearest one'],
    ['log: { urll: x }', 'log.urll', 'log.url, the nearest one'],
    ['smtp: {}', 'smtp', 'it at email.smtp'],
    ['zzzzzzzzz: 1', 'zzzzzzzzz', 'one of server_name, '],
    ['"a/b~c": 1', 'a/b~c', 'one of server_name, '],
  ])('%s: the key that was meant is suggested', (text, path, expected) => {
    const found = problems(text);
    expect(found).toMatchObject([{ path, found: 'a key that does not exist' }]);
    expect(found[0]?.expected.startsWith(expected)).toBe(true);
  });

  it('tell of a key given twice together with the rest', () => {
    expect(problems('data_dir: a\ndata_dir: b\nlogging: { level: loud }')).toHaveLength(2);
  });

  it('never show a secret', () => {
    const text = `
registration: { shared_secret: [hunter2], tokens: ["hunter2!"], recaptcha: hunter2 }
log: { url: { x: hunter2 } }
read_models: hunter2
public_baseurl: https://me:hunter2@example.org
turn: { password: { hunter2: 1 } }
`;
    const { message } = errorOf(text, { ENGRAM_TURN__SHARED_SECRET: 'hunter2', ENGRAM_CAS: 'hunter2' });
    expect(message).not.toContain('hunter2');
    expect(message.split('\n')).toHaveLength(9);
  });

  it.each([
    ['log: { adapter: eventstoredb }', 'log.url'],
    ['log: { url: "esdb://x" }', 'log.adapter'],
    ['read_models: { adapter: mongodb }', 'read_models.url'],
    ['listeners: [{}, {}]', 'listeners[1]'],
    ['turn: { username: a }', 'turn.password'],
    ['turn: { uris: ["turn:a"] }', 'turn.shared_secret'],
    ['app_services: [missing.yaml]', 'app_services[0]'],
    ['outbound_http: { trusted_ca_files: [engram.yaml] }', 'outbound_http.trusted_ca_files[0]'],
    ['listeners: [{ tls: { cert_file: engram.yaml, key_file: engram.yaml } }]', 'listeners[0].tls'],
    ['listeners: [{ tls: { cert_file: missing.crt, key_file: engram.yaml } }]', 'listeners[0].tls.cert_file'],
    ['data_dir: engram.yaml', 'data_dir'],
    ['public_baseurl: "https://example.org/?x"', 'public_baseurl'],
  ])('%s', (text, path) => {
    expect(problems(text).map((problem) => problem.path)).toEqual([path]);
  });
});

describe('paths', () => {
  it("are relative to the file's folder, from elsewhere to the working folder", () => {
    mkdirSync(join(folder, 'etc'), { recursive: true });
    const path = file('logging: { file: logs/engram.log }', 'etc/engram.yaml');
    const config = loadConfig({ file: path, env: {}, cwd: '/srv' });
    expect(config.logging.file).toBe(join(folder, 'etc', 'logs', 'engram.log'));
    expect(config.data_dir).toBe('/srv/data');
    expect(loadConfig({ env: { ENGRAM_LOGGING__FILE: 'x.log' }, cwd: '/srv' }).logging.file).toBe(
      '/srv/x.log',
    );
    expect(loadConfig({ file: file('data_dir: d'), env: {}, cwd: '/srv' }).data_dir).toBe(join(folder, 'd'));
  });
});

describe('the environment', () => {
  it('wins over the file', () => {
    const config = load(
      'server_name: a.org\nlog: { adapter: lmdb }\nlisteners: [{ port: 1 }, { port: 2, host: h }]',
      {
        ENGRAM_SERVER_NAME: 'b.org',
        ENGRAM_LISTENERS__1__PORT: '3',
        ENGRAM_LOG__ADAPTER: 'eventstoredb',
        ENGRAM_LOG__URL: 'esdb://localhost:2113?tls=false',
        ENGRAM_REGISTRATION__ENABLED: 'true',
        ENGRAM_EMAIL__SMTP__HOST: 'mail',
        ENGRAM_EMAIL__SMTP__FROM: 'a@b.org',
        HOME: '/root',
      },
    );
    expect(config.server_name).toBe('b.org');
    expect(config.listeners.map(({ host, port }) => [host, port])).toEqual([
      ['127.0.0.1', 1],
      ['h', 3],
    ]);
    expect(config.log).toMatchObject({ adapter: 'eventstoredb', url: 'esdb://localhost:2113?tls=false' });
    expect(config.registration.enabled).toBe(true);
    expect(config.email?.smtp).toEqual({ host: 'mail', port: 25, from: 'a@b.org' });
  });

  it('takes lists and objects whole, and their parts after them', () => {
    const config = load('', {
      ENGRAM_LISTENERS__0__PORT: '9',
      ENGRAM_LISTENERS: '[{"port": 1}, {"port": 2}]',
      ENGRAM_LISTENERS__2: '{ port: 3 }',
      ENGRAM_LISTENERS__1__RESOURCES: '[client, health]',
    });
    expect(config.listeners.map(({ port }) => port)).toEqual([9, 2, 3]);
    expect(config.listeners[1]?.resources).toEqual(['client', 'health']);
  });

  it('takes text as it is, and null where that is allowed', () => {
    const config = load('registration: { shared_secret: s }\nturn: { username: a, password: b }', {
      ENGRAM_REGISTRATION__SHARED_SECRET: 'null',
      ENGRAM_TURN__PASSWORD: '0123: {"#',
      ENGRAM_DEFAULT_ROOM_VERSION: '10',
      ENGRAM_SERVER_NAME: '',
    });
    expect(config.registration.shared_secret).toBeNull();
    expect(config.turn.password).toBe('0123: {"#');
    expect(config.default_room_version).toBe('10');
    expect(config.server_name).toBe('localhost');
  });

  it('can set every key', () => {
    for (const path of allPaths(configSchema, [])) {
      const schema = schemaAt(path);
      if (schema === undefined) throw new Error(pathText(path));
      // A list of things that it never is: the variable is known, and its value is judged.
      const wrong = types(schema).some((type) => type === 'array')
        ? '{}'
        : types(schema).includes('string')
          ? '\0'
          : '[]';
      const found = errorOrConfig(variableName(path), wrong);
      if (found instanceof ConfigError)
        expect(found.problems[0]?.found).not.toBe('a variable that sets no key');
      else expect(value(found, path)).toBe(wrong);
    }
  });

  it.each([
    ['ENGRAM_LOG__ULR', 'x', 'ENGRAM_LOG__URL, the nearest one'],
    ['ENGRAM_LISTENERS_0_PORT', '1', 'ENGRAM_LISTENERS__0__PORT, the nearest one'],
    ['ENGRAM_ZZZZZZZZZZZZZZZ', 'x', "a key's path, such as ENGRAM_LOG__URL"],
    ['ENGRAM_LISTENERS__x__PORT', '1', 'ENGRAM_LISTENERS__0__PORT, the nearest one'],
  ])('%s is no key', (source, text, expected) => {
    expect(problems('', { [source]: text })).toEqual([
      { path: '', source, found: 'a variable that sets no key', expected },
    ]);
  });

  it('is named where it is to blame', () => {
    expect(errorOf('', { ENGRAM_LISTENERS__0__PORT: '99999' }).message).toContain(
      'listeners[0].port (ENGRAM_LISTENERS__0__PORT): found the number 99999; expected an integer from 0 to 65535',
    );
    expect(errorOf('', { ENGRAM_LISTENERS: '[{ port: x }]' }).message).toContain(
      'listeners[0].port (ENGRAM_LISTENERS): found "x"',
    );
    expect(problems('', { ENGRAM_LISTENERS__5__PORT: '1' })).toEqual([
      {
        path: 'listeners',
        source: 'ENGRAM_LISTENERS__5__PORT',
        found: 'item 5 of a list of 0',
        expected: 'item 0 before it',
      },
    ]);
    expect(problems('', { ENGRAM_LISTENERS: '[1' })[0]?.source).toBe('ENGRAM_LISTENERS');
    expect(problems('listeners: 5', { ENGRAM_LISTENERS__0__PORT: '1' }).map(({ path }) => path)).toEqual([
      'listeners',
    ]);
  });

  it('of the tools that start the server, and of containers, is left alone', () => {
    const env = {
      ENGRAM_CMD: 'node dist/main.js',
      ENGRAM_CWD: '/x',
      ENGRAM_PLAIN_CLIENTS: '1',
      ENGRAM_PORT: 'tcp://10.0.0.1:8008',
      ENGRAM_SERVICE_HOST: '10.0.0.1',
      ENGRAM_SERVICE_PORT: '8008',
      ENGRAM_PORT_8008_TCP_ADDR: '10.0.0.1',
    };
    expect(load('', env)).toEqual(load(''));
  });
});

function errorOrConfig(variable: string, text: string): ConfigError | Config {
  try {
    return loadConfig({ env: { [variable]: text }, cwd: folder });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

describe('the schema', () => {
  it('documents every key', () => {
    for (const path of allPaths(configSchema, [])) {
      if (path.at(-1) !== 0) expect(schemaAt(path)?.description, pathText(path)).toMatch(/\.$/);
    }
  });

  it('knows the room versions that the protocol knows', () => {
    expect(schemaAt(['default_room_version'])?.enum).toEqual([...ROOM_VERSIONS.keys()]);
  });

  it('refuses anything with errors, never with a fault', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.constantFrom(...Object.keys(configSchema.properties ?? {})),
        (json, key) => {
          const text = JSON.stringify({ [key]: json });
          try {
            loadConfig({ file: file(text, 'random.json'), env: {}, cwd: folder });
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
