/**
 * The names in the directory of a log, and what they are: FMT-3.1, FMT-3.2.
 */

export const ACK_NAME = 'procmond.ack';
export const ACK_NEW_NAME = 'procmond.ack.new';
export const LOCK_NAME = 'procmond.lock';
export const DEAD_NAME = 'procmond.dead';

const NAMED_NUMBER_MAX = 2 ** 32 - 1; // a writer stops earlier: segment_header.mjs
const SEGMENT = /^procmond-(\d{5,10})\.wal$/;
const BESIDE =
  /^(procmond-\d{5,10}\.wal)(?:\.(new|salvaged)|\.(?:unreadable|foreign)(?:\.\d+)?|@\d+\+(\d+)-[0-9a-f]{8}\.quarantine)$/;

/** @param {number} number */
export const segmentName = (number) => `procmond-${String(number).padStart(5, '0')}.wal`;

/**
 * @param {string} name
 * @returns {number | null} null if this is not the one spelling of a segment's name
 */
export function segmentNumber(name) {
  const number = Number(SEGMENT.exec(name)?.[1] ?? 0);
  return number >= 1 && number <= NAMED_NUMBER_MAX && segmentName(number) === name ? number : null;
}

/**
 * @param {string} name
 * @returns {'segment' | 'own' | 'unfinished' | 'salvaged' | 'quarantine' | 'evidence' | 'other'}
 */
export function kindOfName(name) {
  if (segmentNumber(name) !== null) return 'segment';
  if ([ACK_NAME, ACK_NEW_NAME, LOCK_NAME, DEAD_NAME].includes(name)) return 'own';
  const match = BESIDE.exec(name);
  if (!match || segmentNumber(match[1]) === null) return 'other';
  if (match[2] === 'new') return 'unfinished';
  if (match[2] === 'salvaged') return 'salvaged';
  return match[3] === undefined ? 'evidence' : 'quarantine';
}
