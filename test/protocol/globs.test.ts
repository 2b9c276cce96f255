import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGlob, compileWordGlob } from '../../src/protocol/globs.js';

/** Straight from the definition, exponential: for short texts only. */
function matchesSlowly(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === '*')
    return matchesSlowly(rest, text) || (text.length > 0 && matchesSlowly(pattern, text.slice(1)));
  return text.length > 0 && (first === '?' || first === text[0]) && matchesSlowly(rest, text.slice(1));
}

function matchesWordsSlowly(pattern: string, text: string): boolean {
  const characters = Array.from(text);
  const isWord = (at: number) => /^[A-Za-z0-9_]$/.test(characters[at] ?? ' ');
  const isBoundary = (at: number) => at === 0 || at === characters.length || !isWord(at - 1) || !isWord(at);
  for (let from = 0; from <= characters.length; from++) {
    for (let to = from; to <= characters.length; to++) {
      if (!isBoundary(from) || !isBoundary(to)) continue;
      if (matchesSlowly(Array.from(pattern), characters.slice(from, to))) return true;
    }
  }
  return false;
}

const character = fc.constantFrom('a', 'b', '😀', ' ', '_');
const anyText = fc.string({ unit: character, maxLength: 8 });
const anyPattern = fc.string({ unit: fc.oneof(character, fc.constantFrom('*', '?')), maxLength: 6 });

describe('a glob', () => {
  test('matches what its definition says', () => {
    fc.assert(
      fc.property(anyPattern, anyText, (pattern, text) => {
        expect(compileGlob(pattern)(text)).toBe(matchesSlowly(Array.from(pattern), Array.from(text)));
      }),
      { numRuns: 2000 },
    );
  });

  test('matches words as their definition says', () => {
    fc.assert(
      fc.property(anyPattern, anyText, (pattern, text) => {
        expect(compileWordGlob(pattern)(text)).toBe(matchesWordsSlowly(pattern, text));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['lunc?*', 'Lunch plans', true],
    ['lunc?*', 'LUNCH', true],
    ['lunc?*', ' lunch', false],
    ['lunc?*', 'lunc', false],
    ['', '', true],
    ['', 'x', false],
    ['a.c', 'abc', false],
    ['[a-z]', 'a', false],
    ['m.room.*', 'm.room.member', true],
    ['*.example.org', 'example.org', false],
    ['*', '', true],
  ])('%j on %j: %j', (pattern, text, expected) => {
    expect(compileGlob(pattern, { ignoreCase: true })(text)).toBe(expected);
  });

  // The specification's examples of event_match on content.body, and boundaries of every sort.
  test.each([
    ['ex*ple', 'An example event.', true],
    ['ex*ple', 'exple', true],
    ['ex*ple', 'An exciting triple-whammy', true],
    ['ex*ple', 'inexample', false],
    ['cake', 'CAKE!', true],
    ['cake', 'cakes', false],
    ['cake', 'cupcake, cake', true],
    ['cake', 'cake_', false],
    ['@room', 'to @room: hi', true],
    ['käse', 'ein käse.', true],
    ['a', 'éa', true],
  ])('%j among the words of %j: %j', (pattern, text, expected) => {
    expect(compileWordGlob(pattern, { ignoreCase: true })(text)).toBe(expected);
  });

  test('heeds case unless told otherwise', () => {
    expect(compileGlob('a*')('Ab')).toBe(false);
    expect(compileGlob('A*', { ignoreCase: true })('aB')).toBe(true);
  });

  test('takes wildcards as told', () => {
    expect(compileGlob('a?*', { wildcards: '*' })('a?bc')).toBe(true);
    expect(compileGlob('a?*', { wildcards: '*' })('abc')).toBe(false);
    expect(compileGlob('a*?', { wildcards: '' })('a*?')).toBe(true);
    expect(compileWordGlob('a*', { wildcards: '' })('an a* b')).toBe(true);
    expect(compileWordGlob('a*', { wildcards: '' })('an ab')).toBe(false);
  });

  test('takes patterns of every length around the words of its bit sets', () => {
    for (const length of [31, 32, 33, 63, 64, 65, 200]) {
      const text = 'ab'.repeat(length).slice(0, length);
      expect(compileGlob(text.slice(0, -1) + '?')(text)).toBe(true);
      expect(compileGlob(`*${text.slice(1)}`)(`x${text}`)).toBe(true);
      expect(compileGlob(`?${text}`)(text)).toBe(false);
      expect(compileWordGlob(text)(`x ${text} y`)).toBe(true);
      expect(compileWordGlob(text)(`x${text} y`)).toBe(false);
    }
  });

  test('stays within one pass on what makes others go back and forth', () => {
    const text = 'a'.repeat(60_000);
    const started = performance.now();
    expect(compileGlob('*a'.repeat(400) + 'b')(text)).toBe(false);
    expect(compileGlob(`*${'a?'.repeat(400)}b*`)(text)).toBe(false);
    expect(compileWordGlob(`${'?a'.repeat(400)}b`)('a '.repeat(30_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
