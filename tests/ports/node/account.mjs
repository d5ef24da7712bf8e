/**
 * Which numbers are accounted for while the files of a log are read: acknowledged, found, declared or
 * reported. So each loss is reported once: REC-4.1, REC-6.1.
 */

import { IntervalSet } from './intervals.mjs';

/** @typedef {import('./intervals.mjs').Range} Range */

export class Account {
  /** @param {bigint} acknowledged all up to it are settled */
  constructor(acknowledged) {
    this.acknowledged = acknowledged;
    /** What the log expects: the highest of what its files expect. */
    this.expected = 1n;
    this.known = new IntervalSet();
  }

  /** @param {Range} range @returns {Range | null} what of it nobody has accounted for */
  news([first, last]) {
    return this.unacknowledged([first < this.expected ? this.expected : first, last]);
  }

  /** @param {Range} range @returns {Range | null} */
  unacknowledged([first, last]) {
    const from = first > this.acknowledged ? first : this.acknowledged + 1n;
    return from <= last ? [from, last] : null;
  }

  /** All below `next` is accounted for. @param {bigint} next */
  advance(next) {
    if (next <= this.expected) return;
    this.known.add(this.expected, next - 1n);
    this.expected = next;
  }
}
