import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePropertyPath, readProperty } from '../../src/protocol/property-paths.js';

test.each([
  ['content.body', ['content', 'body']],
  ['content.m\\.relates_to', ['content', 'm.relates_to']],
  ['content.m\\\\foo', ['content', 'm\\foo']],
  ['content.\\x', ['content', '\\x']],
  ['a\\', ['a\\']],
  ['a..b.', ['a', '', 'b', '']],
  ['', ['']],
  ['a\\\\.b', ['a\\', 'b']],
])('%j names %j', (path, names) => {
  expect(parsePropertyPath(path)).toEqual(names);
});

test('every list of names has a path', () => {
  const name = fc.string({ unit: fc.constantFrom('a', '.', '\\', 'é'), maxLength: 5 });
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
      const path = names.map((each) => each.replace(/[\\.]/g, '\\$&')).join('.');
      expect(parsePropertyPath(path)).toEqual(names);
    }),
  );
});

test('only own properties of objects are read', () => {
  const object = { content: { body: 'x', list: ['y'] } };
  expect(readProperty(object, ['content', 'body'])).toBe('x');
  expect(readProperty(object, ['content', 'body', 'length'])).toBeUndefined();
  expect(readProperty(object, ['content', 'list', '0'])).toBeUndefined();
  expect(readProperty(object, ['__proto__'])).toBeUndefined();
  expect(readProperty(object, ['content', 'constructor', 'name'])).toBeUndefined();
});
