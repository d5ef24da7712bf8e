/**
 * A set of sequences as disjoint ranges, which rise and do not touch.
 *
 * Its memory grows with the holes in it, so it can hold what is settled above a watermark.
 */

/** @typedef {[first: bigint, last: bigint]} Range both ends belong to it */

export class IntervalSet {
  constructor() {
    /** @type {Range[]} */
    this.ranges = [];
  }

  /** @param {bigint} value @returns {number} the index of the first range that ends at or above it */
  #at(value) {
    let [low, high] = [0, this.ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ranges[middle][1] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {bigint} first @param {bigint} last nothing happens if it is below `first` */
  add(first, last) {
    if (last < first) return;
    const start = this.#at(first - 1n); // a range that only touches is joined, too
    let end = start;
    let [low, high] = [first, last];
    while (end < this.ranges.length && this.ranges[end][0] <= last + 1n) {
      if (this.ranges[end][0] < low) low = this.ranges[end][0];
      if (this.ranges[end][1] > high) high = this.ranges[end][1];
      end += 1;
    }
    this.ranges.splice(start, end - start, [low, high]);
  }

  /** @param {bigint} value */
  has(value) {
    const index = this.#at(value);
    return index < this.ranges.length && this.ranges[index][0] <= value;
  }

  /** @param {Range} range @returns {Range[]} the parts of it that are not in the set */
  missing([first, last]) {
    /** @type {Range[]} */
    const parts = [];
    let from = first;
    for (let index = this.#at(first); index < this.ranges.length && from <= last; index += 1) {
      const [low, high] = this.ranges[index];
      if (low > last) break;
      if (low > from) parts.push([from, low - 1n]);
      from = high + 1n;
    }
    if (from <= last) parts.push([from, last]);
    return parts;
  }

  /**
   * Take what continues `below` out of the set.
   * @param {bigint} below
   * @returns {bigint} the last number up to which there is no hole
   */
  absorb(below) {
    let through = below;
    while (this.ranges.length > 0 && this.ranges[0][0] <= through + 1n) {
      const last = /** @type {Range} */ (this.ranges.shift())[1];
      if (last > through) through = last;
    }
    return through;
  }
}
