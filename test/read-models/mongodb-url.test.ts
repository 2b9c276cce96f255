import { describe, expect, test } from 'vitest';
import { ReadStoreFormatError } from '../../src/read-models/errors.js';
import { clientOptions, databaseIn, hasSecrets, withoutSecrets } from '../../src/read-models/mongodb-url.js';
import { openMongoReadStore } from '../../src/read-models/mongodb.js';

describe('the database', () => {
  test.each([
    ['mongodb://localhost', 'engram'],
    ['mongodb://localhost/', 'engram'],
    ['mongodb://localhost?tls=true', 'engram'],
    ['mongodb://localhost:27017/?replicaSet=rs0', 'engram'],
    ['mongodb://localhost:27017/models', 'models'],
    ['mongodb://a:1,b:2,c:3/models?replicaSet=rs0', 'models'],
    ['mongodb://user:pa%2Fss@localhost/models', 'models'],
    ['mongodb+srv://user@cluster.example.org/read%2Dmodels?w=1', 'read-models'],
    ['mongodb://%2Ftmp%2Fmongodb-27017.sock/models', 'models'],
  ])('of %s is %s', (url, name) => {
    expect(databaseIn(url)).toBe(name);
  });
});

describe('options of the driver', () => {
  test('make writes durable and reads see them, whatever the URL says', () => {
    const options = clientOptions('mongodb://localhost/?w=1&journal=false&readPreference=secondary');
    expect(options).toMatchObject({
      writeConcern: { w: 'majority', journal: true },
      readConcern: { level: 'local' },
      readPreference: 'primary',
    });
  });

  test('give times that the URL may change', () => {
    expect(clientOptions('mongodb://localhost/')).toMatchObject({
      serverSelectionTimeoutMS: 5000,
      appName: 'engram',
    });
    const options = clientOptions('mongodb://localhost/?serverselectiontimeoutms=100&appName=mine');
    expect(options).not.toHaveProperty('serverSelectionTimeoutMS');
    expect(options).not.toHaveProperty('appName');
    expect(options).toHaveProperty('socketTimeoutMS');
  });
});

describe('what a URL keeps secret', () => {
  const url = 'mongodb://user:p%40ss%2Fword@host:27017/db?authMechanismProperties=TOKEN:abc';

  test.each([
    ['the URL itself', `Invalid connection string "${url}"`],
    ['the password as it is written', 'no such user: user p%40ss%2Fword'],
    ['the password as it is meant', 'refused p@ss/word for user'],
    ['what options hold', 'bad TOKEN:abc'],
  ])('is taken out of messages: %s', (_, message) => {
    const clean = withoutSecrets(message, url);
    expect(clean).not.toMatch(/p%40ss|p@ss|word|abc/);
    expect(clean).not.toBe(message);
  });

  test('and nothing else is', () => {
    const message = 'connect ECONNREFUSED host:27017';
    expect(withoutSecrets(message, url)).toBe(message);
    expect(withoutSecrets(message, 'mongodb://host:27017/db')).toBe(message);
  });

  test('is known to be there', () => {
    expect(hasSecrets(url)).toBe(true);
    expect(hasSecrets('mongodb://user:secret@host')).toBe(true);
    expect(hasSecrets('mongodb://user:sec@ret@host')).toBe(true);
    expect(hasSecrets('mongodb://host/db?tls=true')).toBe(false);
  });

  test.each([
    'mongodb://user:sec/ret@host/db',
    'mongodb://user:se:cret@host/db',
    'mongodb://user:secret@host:port/db',
    'mongodb://user:secret@host/db?nonsense=1',
    'mongo://user:secret@host/db',
    'user:secret@host',
  ])('is in no error about a URL that cannot be used: %s', async (bad) => {
    const error: unknown = await openMongoReadStore({ url: bad }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ReadStoreFormatError);
    expect(String(error)).not.toMatch(/sec|ret/);
    expect(String(error)).toMatch(/should be like mongodb:\/\//);
  });

  test('leaves the reason where there is none', async () => {
    await expect(openMongoReadStore({ url: 'mongodb://host/db?nonsense=1' })).rejects.toThrow(/nonsense/);
  });
});
