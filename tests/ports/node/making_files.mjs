/**
 * Makes segments: an empty one for a rotation, one with the entries of old files for a recovery.
 * WAL-3.1, REC-7.1.
 */

import { diskText } from './errors.mjs';
import { FrameKey, innerOf } from './frames.mjs';
import { segmentName } from './names.mjs';
import { scan } from './scan.mjs';
import { FILE_NUMBER_MAX, SEQUENCE_MAX, encodeBlock } from './segment_header.mjs';

const TRIES_MAX = 1000;
const WRITE_BYTES = 1 << 20;

/**
 * @typedef {import('./segment_header.mjs').Header} Header
 * @typedef {import('./reading.mjs').Segment} Segment
 * @typedef {Pick<Header, 'relocatedFrom' | 'continuesFrom' | 'firstSequence'>} Numbers
 * @typedef {Segment & { fd: number }} OpenSegment
 */

export class FileMaker {
  /**
   * @param {import('./disk.mjs').Disk} disk
   * @param {import('./chance.mjs').Chance} chance
   * @param {{ logId: string, previousLogId: string }} identity
   * @param {number} highestNumber of any usable header
   */
  constructor(disk, chance, identity, highestNumber) {
    this.disk = disk;
    this.chance = chance;
    this.identity = identity;
    this.number = highestNumber;
  }

  /** @param {string} text */
  #none(text) {
    return Object.assign(new Error(text), { code: 'EFBIG', syscall: 'open' });
  }

  /** @param {Numbers} numbers @returns {Header} under a number that nothing stands at */
  #nextHeader(numbers) {
    if (numbers.firstSequence > SEQUENCE_MAX) throw this.#none('there are no more sequences');
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      this.number += 1; // a number of a failed attempt is not used again either
      if (this.number > FILE_NUMBER_MAX) throw this.#none('there are no more file numbers');
      const name = segmentName(this.number);
      if (this.disk.exists(name) || this.disk.exists(`${name}.new`)) continue;
      const { logId, previousLogId } = this.identity;
      return { fileNumber: this.number, logId, previousLogId, salt: Buffer.from(this.chance.bytes(8)), ...numbers };
    }
    throw this.#none(`something stands at each of ${TRIES_MAX} names`);
  }

  /** @param {string[]} names what an attempt that failed may have left */
  #takeBack(...names) {
    for (const name of names) {
      try {
        if (this.disk.exists(name)) this.disk.unlink(name);
      } catch (error) {
        diskText(error); // it stays: the next open knows what to make of it
      }
    }
  }

  /**
   * @param {Header} header
   * @param {string} created the name that it has at first
   * @param {(fd: number) => number} fill makes it durable under its own name, and returns its size
   * @returns {OpenSegment}
   */
  #make(header, created, fill) {
    const { fileNumber: number, firstSequence: floor } = header;
    const name = segmentName(number);
    const fd = this.disk.create(created);
    try {
      const size = fill(fd);
      return { name, number, header, size, floor, end: floor - 1n, highest: null, hasFrame: false, fd };
    } catch (error) {
      this.disk.close(fd);
      this.#takeBack(created, name);
      throw error;
    }
  }

  /** Start a new file. It throws what the disk says. @param {Numbers} numbers */
  rotate(numbers) {
    const header = this.#nextHeader(numbers);
    const name = segmentName(header.fileNumber);
    const block = encodeBlock(header);
    return this.#make(header, name, (fd) => {
      this.disk.write(fd, 0, block);
      this.disk.sync(fd); // or records are synced into a file whose header a power cut takes
      this.disk.syncDirectory(); // or records are synced into a file without a name
      return block.length;
    });
  }

  /**
   * Make the file that takes the place of `old` ones. It throws what the disk says.
   * @param {Numbers} numbers
   * @param {Segment[]} old
   * @param {(sequence: bigint) => boolean} isUnsettled
   */
  replace(numbers, old, isUnsettled) {
    const header = this.#nextHeader(numbers);
    const name = segmentName(header.fileNumber);
    const key = new FrameKey(header.salt, header.fileNumber);
    return this.#make(header, `${name}.new`, (fd) => {
      let batch = [encodeBlock(header)];
      let [size, pending] = [0, batch[0].length];
      const flush = () => {
        this.disk.write(fd, size, Buffer.concat(batch));
        size += pending;
        [batch, pending] = [[], 0];
      };
      let last = 0n;
      for (const segment of old) {
        for (const { sequence, content } of this.#frames(segment)) {
          if (sequence <= last || !isUnsettled(sequence)) continue;
          last = sequence;
          const frame = key.encode(size + pending, sequence, innerOf(content));
          batch.push(frame);
          pending += frame.length;
          if (pending >= WRITE_BYTES) flush();
        }
      }
      flush();
      this.disk.sync(fd); // or the old file goes, and the copies with the power
      this.disk.rename(`${name}.new`, name);
      this.disk.syncDirectory(); // the same for the name
      return size;
    });
  }

  /** What stands in a file, but for repeats that nothing declares. @param {Segment} segment */
  *#frames({ name, header, size, floor }) {
    const fd = this.disk.openToRead(name);
    try {
      for (const item of scan(this.disk, fd, header, size)) {
        if (item.kind === 'frame' && (item.isCopy || item.sequence >= floor)) yield item;
      }
    } finally {
      this.disk.close(fd);
    }
  }
}

/**
 * The files that may have been open at the crash: REC-7.3.
 * @param {Segment[]} segments
 */
export function filesThatWereOpen(segments) {
  const open = segments.findLastIndex(({ hasFrame }) => hasFrame);
  if (open === segments.length - 1) return segments.slice(open);
  const empty = segments.slice(open + 1);
  const highest = open < 0 ? null : segments[open].highest;
  // Rotations failed and left the empty ones, and the file before them was written on?
  const isWrittenOn = highest !== null && empty.some(({ header }) => highest >= header.firstSequence);
  return isWrittenOn ? segments.slice(open) : empty;
}

/**
 * The numbers in the header of the file that replaces `old` ones: REC-7.1.
 * @param {Segment[]} old
 * @param {bigint} watermark in the slots
 * @param {bigint} next
 * @returns {Numbers}
 */
export function replacingNumbers(old, watermark, next) {
  /** @param {bigint} left @param {bigint} right */
  const higher = (left, right) => (left > right ? left : right);
  const lowest = old.map(({ header }) => header.relocatedFrom).reduce((left, right) => (left < right ? left : right));
  const own = old.map(({ highest }) => (highest ?? 0n) + 1n).reduce(higher);
  const continuesFrom = own > 1n ? own : old.map(({ header }) => header.continuesFrom).reduce(higher);
  const settled = watermark + 1n < continuesFrom ? watermark + 1n : continuesFrom;
  return { relocatedFrom: higher(lowest, settled), continuesFrom, firstSequence: next };
}
