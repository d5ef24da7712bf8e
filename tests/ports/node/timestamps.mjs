/**
 * Times: nanoseconds since 1970 as a BigInt, and the one RFC 3339 spelling of each: FMT-2.6.
 */

import { Reader, firstBadByte, text as encodeText } from './bincode.mjs';
import { WalError } from './errors.mjs';

export const SECONDS_MAX = 253402300799n; // 9999-12-31T23:59:59Z
export const NANOSECONDS_MAX = SECONDS_MAX * 1_000_000_000n + 999_999_999n;
const FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{3}|\d{6}|\d{9}))?Z$/;

/** @param {bigint} nanoseconds */
export function formatTime(nanoseconds) {
  const whole = new Date(Number(nanoseconds / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  let digits = String(nanoseconds % 1_000_000_000n).padStart(9, '0');
  while (digits.endsWith('000')) digits = digits.slice(0, -3);
  return digits ? `${whole}.${digits}Z` : `${whole}Z`;
}

/**
 * @param {string} text
 * @returns {bigint | null} null if it is not the canonical spelling of a time that can be
 */
export function parseTime(text) {
  const match = FORM.exec(text);
  if (!match) return null;
  const milliseconds = Date.parse(`${text.slice(0, 19)}Z`);
  if (Number.isNaN(milliseconds) || milliseconds < 0) return null;
  const fraction = BigInt((match[1] ?? '').padEnd(9, '0'));
  const time = BigInt(milliseconds / 1000) * 1_000_000_000n + fraction;
  // Date.parse takes a 24:00:00, or a 31st of February, for another day.
  return formatTime(time) === text ? time : null;
}

/** @param {Reader} reader */
export function readTime(reader) {
  const start = reader.offset + 8;
  const length = reader.length(1, 20n, 30n);
  const part = reader.bytes.subarray(start, start + length);
  const bad = firstBadByte(part);
  if (bad >= 0) throw new WalError('InvalidText', 'not UTF-8', { offset: start + bad });
  const time = parseTime(part.toString('latin1'));
  if (time === null) {
    throw new WalError('InvalidText', 'not the canonical form of a time', { offset: start });
  }
  reader.offset += length;
  return time;
}

/** @param {bigint} nanoseconds */
export const encodeTime = (nanoseconds) => encodeText(formatTime(nanoseconds));
