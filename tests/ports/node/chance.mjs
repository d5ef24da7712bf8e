/**
 * Where random bytes and the time come from: the machine, or for tests a number.
 */

import { createHash, randomBytes } from 'node:crypto';

import { NANOSECONDS_MAX } from './timestamps.mjs';

/** @typedef {{ bytes: (count: number) => Buffer, now: () => bigint, elapsed: () => bigint }} Chance */

/** @returns {Chance} */
export function realChance() {
  return {
    bytes: (count) => randomBytes(count),
    now: () => clamp(BigInt(Date.now()) * 1_000_000n),
    elapsed: () => process.hrtime.bigint(), // this one does not jump with the wall clock
  };
}

/**
 * The same bytes and times for the same number.
 * @param {bigint} fixed
 * @returns {Chance}
 */
export function fixedChance(fixed) {
  let drawn = 0;
  let time = 1_700_000_000_000_000_000n;
  return {
    bytes: (count) => {
      drawn += 1;
      return createHash('sha256').update(`${fixed} ${drawn}`).digest().subarray(0, count);
    },
    now: () => (time += 1_000_000n),
    elapsed: () => time,
  };
}

/** A wrong clock must not cost an event. @param {bigint} time */
const clamp = (time) => (time < 0n ? 0n : time > NANOSECONDS_MAX ? NANOSECONDS_MAX : time);
