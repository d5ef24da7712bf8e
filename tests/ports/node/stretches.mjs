/**
 * Stretches of bytes that may have held records, until something later explains them: tails, and
 * files without a usable header. REC-5.2, REC-6.1, REC-6.3.
 */

/**
 * @typedef {import('./intervals.mjs').Range} Range
 * @typedef {import('./segment_header.mjs').Header} Header
 * @typedef {{ file: string, offset: number, length: number }} Place
 *
 * @typedef {object} Stretch
 * @property {'tail' | 'unreadable-file'} kind
 * @property {Place} place
 * @property {bigint} from the number expected there
 * @property {Range[]} numbers that it may have held
 */

export class Stretches {
  constructor() {
    /** @type {Stretch[]} */
    this.pending = [];
  }

  /** One above all that the stretches may have held. @param {bigint} expected */
  end(expected) {
    return this.pending.reduce((end, { numbers }) => {
      const last = numbers.at(-1)?.[1] ?? 0n;
      return last >= end ? last + 1n : end;
    }, expected);
  }

  /**
   * What the header of a later file explains.
   * @param {Header} header
   * @returns {{ before: Stretch[], explained: Stretch[] }} `before`: stretches behind which this
   *   file starts, so that what is missing before it was in them; `explained`: held nothing
   */
  settleByHeader({ relocatedFrom, continuesFrom, firstSequence }) {
    /** @type {Stretch[][]} */
    const [before, explained, pending] = [[], [], []];
    for (const stretch of this.pending) {
      const last = stretch.numbers.at(-1)?.[1] ?? 0n;
      if (relocatedFrom > stretch.from) before.push(stretch);
      else if (relocatedFrom < continuesFrom || firstSequence > last) explained.push(stretch);
      else {
        // What the header declares is no news; the rest may still have been there.
        stretch.numbers = stretch.numbers
          .filter(([, end]) => end >= firstSequence)
          .map(([start, end]) => [start < firstSequence ? firstSequence : start, end]);
        pending.push(stretch);
      }
    }
    this.pending = pending;
    return { before, explained };
  }

  /** A later file handed out its own numbers, so these stretches held none. */
  settleAll() {
    const explained = this.pending;
    this.pending = [];
    return explained;
  }
}
