/**
 * A JSON parser that keeps what JSON.parse loses: numbers as they are spelled, and repeated names.
 *
 * JSON.parse makes 18446744073709551615 a float, cannot tell 1.0 from 1, and of two members of one
 * name keeps the last. An event is checked for all of these (EVT-2.2), and the adapter's requests
 * carry events.
 */

/** A number as it was spelled. */
export class JsonNumber {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  get isInteger() {
    return /^-?\d+$/.test(this.text);
  }
}

/** An object: its members in their order, repeats included. */
export class JsonObject {
  /** @param {[string, unknown][]} members */
  constructor(members) {
    this.members = members;
  }

  /** @param {string} name */
  get(name) {
    return this.members.find(([each]) => each === name)?.[1];
  }
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORDS = /** @type {[string, unknown][]} */ ([['null', null], ['true', true], ['false', false]]);
const DEPTH_MAX = 500;

/**
 * @param {string} text
 * @returns {unknown} null, a boolean, a string, an array, a JsonNumber or a JsonObject
 * @throws {SyntaxError}
 */
export function parseJson(text) {
  let at = 0;

  /** @param {RegExp} pattern */
  const match = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  /** @param {string} token */
  const has = (token) => {
    match(SPACE);
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  };
  const fail = () => new SyntaxError(`no JSON at character ${at}`);
  const string = () => {
    match(SPACE);
    const found = match(STRING);
    if (found === undefined) throw fail();
    return /** @type {string} */ (JSON.parse(found));
  };

  /**
   * @param {string} close
   * @param {() => T} item
   * @template T
   */
  const list = (close, item) => {
    /** @type {T[]} */
    const items = [];
    if (has(close)) return items;
    do items.push(item());
    while (has(','));
    if (!has(close)) throw fail();
    return items;
  };

  /** @type {(depth: number) => unknown} */
  const value = (depth) => {
    if (depth > DEPTH_MAX) throw fail(); // or deep input would overflow the stack
    if (has('{')) {
      return new JsonObject(list('}', () => {
        const name = string();
        if (!has(':')) throw fail();
        return /** @type {[string, unknown]} */ ([name, value(depth + 1)]);
      }));
    }
    if (has('[')) return list(']', () => value(depth + 1));
    for (const [word, meaning] of WORDS) if (has(word)) return meaning;
    if (text[at] === '"') return string();
    const number = match(NUMBER);
    if (number === undefined) throw fail();
    return new JsonNumber(number);
  };

  const found = value(0);
  match(SPACE);
  if (at < text.length) throw fail();
  return found;
}
