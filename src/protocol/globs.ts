/**
 * Glob-style matching (specification: Appendices, Glob-style matching): `*` is any run of characters, `?` exactly
 * one (code point). Patterns come from outside, so no RegExp is made of them: all states of the pattern advance
 * together, as bits, in one pass over the text. The cost is the text's length times a 32nd of the pattern's,
 * whatever both contain.
 */
export type TextMatcher = (text: string) => boolean;

export interface GlobOptions {
  /** Compares both sides in lower case. */
  readonly ignoreCase?: boolean;
  /** Which characters have a meaning: both, only `*`, or none. */
  readonly wildcards?: Wildcards;
}

type Wildcards = '*?' | '*' | '';

/** A matcher of whole texts. */
export function compileGlob(pattern: string, options: GlobOptions = {}): TextMatcher {
  const folded = options.ignoreCase ? pattern.toLowerCase() : pattern;
  const fold = folder(options);
  const wildcards = options.wildcards ?? '*?';
  const isPlain =
    !(wildcards !== '' && folded.includes('*')) && !(wildcards === '*?' && folded.includes('?'));
  if (isPlain) return (text) => fold(text) === folded;
  const glob = new Glob(folded, wildcards);
  return (text) => glob.matchesWhole(fold(text));
}

/**
 * A matcher of texts with a part that matches and that starts and ends at a word boundary: the start or end of
 * the text, or beside a character that is not of `A-Z`, `a-z`, `0-9`, `_` (specification: Push Rules,
 * `event_match` on `content.body`).
 */
export function compileWordGlob(pattern: string, options: GlobOptions = {}): TextMatcher {
  const glob = new Glob(options.ignoreCase ? pattern.toLowerCase() : pattern, options.wildcards ?? '*?');
  const fold = folder(options);
  return (text) => glob.matchesWords(fold(text));
}

function folder(options: GlobOptions): (text: string) => string {
  return options.ignoreCase ? (text) => text.toLowerCase() : (text) => text;
}

/** A pattern's states as a set of bits: bit n says that the first n characters of the pattern are matched. */
class Glob {
  readonly #words: number;
  readonly #final: number;
  /** The states that a `*` lets stay whatever comes. */
  readonly #loops: Int32Array;
  /** The states that a character advances, for characters that the pattern names; else only `?` advances. */
  readonly #advances = new Map<number, Int32Array>();
  readonly #anyAdvances: Int32Array;

  constructor(pattern: string, wildcards: Wildcards) {
    const units: (number | undefined)[] = [];
    const stars: number[] = [];
    for (const character of pattern) {
      if (character === '*' && wildcards !== '') stars.push(units.length);
      else units.push(character === '?' && wildcards === '*?' ? undefined : character.codePointAt(0));
    }
    this.#final = units.length;
    this.#words = (units.length >> 5) + 1;
    this.#loops = this.#set(stars);
    this.#anyAdvances = this.#set([...units.keys()].filter((at) => units[at] === undefined));
    for (const [at, unit] of units.entries()) {
      if (unit === undefined) continue;
      const states = this.#advances.get(unit) ?? Int32Array.from(this.#anyAdvances);
      addTo(states, at);
      this.#advances.set(unit, states);
    }
  }

  matchesWhole(text: string): boolean {
    // With fewer units than the pattern has characters, no run of `*` can help.
    if (text.length < this.#final) return false;
    const states = this.#set([0]);
    for (let at = 0; at < text.length; at++) {
      const character = text.codePointAt(at) ?? 0;
      if (character > 0xffff) at++;
      if (!this.#step(states, character)) return false;
    }
    return isIn(states, this.#final);
  }

  matchesWords(text: string): boolean {
    const states = this.#set([]);
    let alive = false;
    let afterWord = false;
    for (let at = 0; at < text.length; at++) {
      const character = text.codePointAt(at) ?? 0;
      const isWord = isWordCharacter(character);
      if (at === 0 || !isWord || !afterWord) {
        addTo(states, 0);
        if (isIn(states, this.#final)) return true;
        alive = true;
      }
      if (alive) alive = this.#step(states, character);
      if (character > 0xffff) at++;
      afterWord = isWord;
    }
    return this.#final === 0 || isIn(states, this.#final);
  }

  /** Advances the states by a character; false if none is left. */
  #step(states: Int32Array, character: number): boolean {
    const advances = this.#advances.get(character) ?? this.#anyAdvances;
    let carried = 0;
    let any = 0;
    for (let word = 0; word < this.#words; word++) {
      const before = states[word] ?? 0;
      const advanced = before & (advances[word] ?? 0);
      const after = (advanced << 1) | carried | (before & (this.#loops[word] ?? 0));
      carried = advanced >>> 31;
      states[word] = after;
      any |= after;
    }
    return any !== 0;
  }

  #set(members: readonly number[]): Int32Array {
    const states = new Int32Array(this.#words);
    for (const member of members) addTo(states, member);
    return states;
  }
}

function addTo(states: Int32Array, member: number): void {
  states[member >> 5] = (states[member >> 5] ?? 0) | (1 << (member & 31));
}

function isIn(states: Int32Array, member: number): boolean {
  return (((states[member >> 5] ?? 0) >>> (member & 31)) & 1) === 1;
}

function isWordCharacter(character: number): boolean {
  return (
    (character >= 97 && character <= 122) ||
    (character >= 65 && character <= 90) ||
    (character >= 48 && character <= 57) ||
    character === 95
  );
}
