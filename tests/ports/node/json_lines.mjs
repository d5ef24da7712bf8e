/**
 * The human form of an event, a line of JSON: EVT-2.1, EVT-2.2, and the ranges of EVT-1.2.
 */

import { firstBadByte } from './bincode.mjs';
import { WalError } from './errors.mjs';
import { JsonNumber, JsonObject, parseJson } from './json_text.mjs';
import { formatTime, parseTime } from './timestamps.mjs';

/** @typedef {import('./events.mjs').ProcessEvent} ProcessEvent */

const TYPES = ['start', 'stop', 'modify'];
const U32_MAX = 2n ** 32n - 1n;
const U64_MAX = 2n ** 64n - 1n;

/** What is thrown by a field's reader; decodeJsonEvent adds the field's name. */
class Wrong extends Error {}

/** @param {bigint} max @returns {(value: unknown) => bigint} */
const integer = (max) => (value) => {
  if (!(value instanceof JsonNumber) || !value.isInteger) throw new Wrong('not an integer');
  const number = BigInt(value.text);
  if (number < 0n || number > max) throw new Wrong(`${number} is not in 0 .. ${max}`);
  return number;
};
/** @param {unknown} value */
const u32 = (value) => Number(integer(U32_MAX)(value));
/** @param {unknown} value */
const string = (value) => {
  if (typeof value !== 'string') throw new Wrong('not a text');
  if (/\p{Surrogate}/u.test(value)) throw new Wrong('half a character'); // has no UTF-8
  return value;
};
/** @param {unknown} value */
const bool = (value) => {
  if (typeof value !== 'boolean') throw new Wrong('not true or false');
  return value;
};
/** @param {unknown} value */
const float = (value) => {
  if (!(value instanceof JsonNumber)) throw new Wrong('not a number');
  const number = Number(value.text);
  if (!Number.isFinite(number)) throw new Wrong(`${value.text} is not finite`);
  return number;
};
/** @param {unknown} value */
const time = (value) => {
  const found = parseTime(string(value));
  if (found === null) throw new Wrong('not the canonical form of a time from 1970 to 9999');
  return found;
};
/** @param {unknown} value */
const type = (value) => {
  const found = TYPES.indexOf(string(value));
  if (found < 0) throw new Wrong(`not one of ${TYPES.join(', ')}`);
  return found;
};
/** @param {unknown} value */
const texts = (value) => {
  if (!Array.isArray(value)) throw new Wrong('not a list');
  return value.map(string);
};
/** @template T @param {(value: unknown) => T} read @returns {(value: unknown) => T | null} */
const option = (read) => (value) => (value === null ? null : read(value));

/** In wire order, which is the order in which they are checked and written. */
const FIELDS = {
  event_type: type,
  pid: u32,
  ppid: option(u32),
  name: string,
  executable_path: option(string),
  command_line: texts,
  start_time: option(time),
  cpu_usage: option(float),
  memory_usage: option(integer(U64_MAX)),
  executable_hash: option(string),
  hash_algorithm: option(string),
  user_id: option(string),
  accessible: bool,
  file_exists: bool,
  timestamp: time,
  platform_metadata: option(string),
};

/**
 * @param {unknown} value what parseJson makes of a line
 * @param {number} line_number
 * @returns {ProcessEvent}
 */
export function decodeJsonEvent(value, line_number) {
  /** @param {string | null} field @param {string} text */
  const wrong = (field, text) =>
    new WalError('InvalidJsonLine', `line ${line_number}: ${field ?? ''} ${text}`, {
      line_number,
      field,
    });
  if (!(value instanceof JsonObject)) throw wrong(null, 'not an object');
  const seen = new Map();
  for (const [name, member] of value.members) {
    if (seen.has(name)) throw wrong(name, 'stands there twice');
    seen.set(name, member);
  }
  for (const name of seen.keys()) if (!Object.hasOwn(FIELDS, name)) throw wrong(name, 'is not known');
  /** @type {any} */
  const event = {};
  for (const [name, read] of Object.entries(FIELDS)) {
    if (!seen.has(name)) throw wrong(name, 'is missing');
    try {
      event[name] = read(seen.get(name));
    } catch (error) {
      if (error instanceof Wrong) throw wrong(name, error.message);
      throw error;
    }
  }
  if ((event.executable_hash === null) !== (event.hash_algorithm === null)) {
    throw wrong('executable_hash', 'and hash_algorithm are both there or neither');
  }
  return event;
}

/**
 * @param {Buffer} line
 * @param {number} line_number
 */
export function decodeJsonLine(line, line_number) {
  let value;
  try {
    if (firstBadByte(line) >= 0) throw new SyntaxError('not UTF-8');
    value = parseJson(line.toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const text = `line ${line_number}: ${error.message}`;
    throw new WalError('InvalidJsonLine', text, { line_number, field: null });
  }
  return decodeJsonEvent(value, line_number);
}

/**
 * JavaScript finds the fewest digits, too, but lays them out in another way.
 * @param {number} value
 */
function formatFloat(value) {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa, exponentText] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 16) {
    const plain = String(value); // JavaScript goes over to exponents at 1e21 and below 1e-6
    return plain.includes('.') ? plain : `${plain}.0`;
  }
  const digits = String(Math.abs(exponent)).padStart(2, '0');
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`;
}

/**
 * @param {ProcessEvent} event
 * @returns {string} one line of JSON, without the newline
 */
export function encodeJsonLine(event) {
  /** @type {Record<string, string>} */
  const special = {
    event_type: `"${TYPES[event.event_type]}"`,
    start_time: event.start_time === null ? 'null' : `"${formatTime(event.start_time)}"`,
    cpu_usage: event.cpu_usage === null ? 'null' : formatFloat(event.cpu_usage),
    memory_usage: event.memory_usage === null ? 'null' : String(event.memory_usage),
    timestamp: `"${formatTime(event.timestamp)}"`,
  };
  const members = Object.keys(FIELDS).map(
    (name) => `"${name}":${special[name] ?? JSON.stringify(/** @type {any} */ (event)[name])}`,
  );
  return `{${members.join(',')}}`;
}
