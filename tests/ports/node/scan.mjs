/**
 * Reads one segment from 8192 to its end, by what its own header lets expect: SPEC.md, section 9,
 * the table; REC-2.1 to REC-3.3, REC-6.3.
 *
 * What the whole log makes of it (repeats, news, burned numbers) is in reading.mjs. Nothing is kept
 * but a window of the file and the damage behind the last complete frame.
 */

import { FRAME_BYTES_MAX, FRAME_BYTES_MIN, FRAME_HEADER_BYTES, FrameKey, bodyVerifies, recordsIn } from './frames.mjs';
import { BLOCK_BYTES } from './sealed.mjs';

/**
 * @typedef {import('./segment_header.mjs').Header} Header
 * @typedef {import('./intervals.mjs').Range} Range
 *
 * @typedef {object} Item what stands at a place of the file
 * @property {'frame' | 'stale' | 'body' | 'region' | 'tail'} kind
 * @property {number} offset
 * @property {number} length
 * @property {bigint} sequence of a frame or a bad body
 * @property {Range[]} numbers lost in it; before a frame: missing; in a tail: perhaps
 * @property {boolean} isCopy a relocated frame
 * @property {Buffer} content the body of a frame, valid until the next item
 */

/** A part of a file in memory, which moves on. */
class Window {
  /** @param {import('./disk.mjs').Disk} disk @param {number} fd @param {number} size */
  constructor(disk, fd, size) {
    this.disk = disk;
    this.fd = fd;
    this.size = size;
    this.start = 0;
    this.bytes = Buffer.alloc(0);
  }

  /** @param {number} offset @param {number} length @returns {Buffer} shorter at the end of the file */
  view(offset, length) {
    const end = Math.min(offset + length, this.size);
    if (offset < this.start || end > this.start + this.bytes.length) {
      const count = Math.min(Math.max(length, 2 * FRAME_BYTES_MAX), this.size - offset);
      this.start = offset;
      this.bytes = this.disk.read(this.fd, offset, Math.max(count, 0));
      if (this.bytes.length < count) this.size = offset + this.bytes.length; // it was cut meanwhile
    }
    return this.bytes.subarray(offset - this.start, Math.min(end, this.size) - this.start);
  }
}

/** What a file expects next; and what is missing before a number that came instead. */
class Expecting {
  /** @param {Header} header */
  constructor({ relocatedFrom, continuesFrom, firstSequence }) {
    this.continuesFrom = continuesFrom;
    this.firstSequence = firstSequence;
    this.next = relocatedFrom < continuesFrom ? relocatedFrom : firstSequence;
  }

  /** Are copies expected? */
  get isAmongCopies() {
    return this.next < this.continuesFrom;
  }

  /** @param {bigint} sequence */
  isBehind(sequence) {
    if (sequence < this.next) return true;
    return sequence >= this.continuesFrom && sequence < this.firstSequence;
  }

  /** @param {bigint} sequence @returns {{ copies: Range[], own: Range[] }} */
  missingBefore(sequence) {
    if (!this.isAmongCopies) return { copies: [], own: range(this.next, sequence - 1n) };
    if (sequence < this.continuesFrom) return { copies: range(this.next, sequence - 1n), own: [] };
    const copies = range(this.next, this.continuesFrom - 1n);
    return { copies, own: range(this.firstSequence, sequence - 1n) };
  }

  /** @param {bigint} sequence */
  accept(sequence) {
    this.next = sequence + 1n;
    if (this.next >= this.continuesFrom && this.next < this.firstSequence) this.next = this.firstSequence;
  }

  /** @param {number} bytes of a tail @returns {Range[]} */
  possible(bytes) {
    const count = BigInt(recordsIn(bytes));
    if (!this.isAmongCopies) return range(this.next, this.next + count - 1n);
    const copies = range(this.next, this.continuesFrom - 1n);
    return join(copies, range(this.firstSequence, this.firstSequence + count - 1n));
  }
}

/** @param {bigint} first @param {bigint} last @returns {Range[]} */
const range = (first, last) => (last < first ? [] : [[first, last]]);

/** @param {Range[]} left @param {Range[]} right @returns {Range[]} one range if they touch */
function join(left, right) {
  if (left.length === 1 && right.length === 1 && left[0][1] + 1n === right[0][0]) {
    return [[left[0][0], right[0][1]]];
  }
  return [...left, ...right];
}

/**
 * @param {import('./disk.mjs').Disk} disk
 * @param {number} fd
 * @param {Header} header
 * @param {number} size
 * @returns {Generator<Item, { next: bigint, isAmongCopies: boolean }, void>} what it expects behind
 *   its last complete frame
 */
export function* scan(disk, fd, header, size) {
  const window = new Window(disk, fd, size);
  const key = new FrameKey(header.salt, header.fileNumber);
  let sure = new Expecting(header); // as of the last complete frame
  let expecting = sure; // as of what was read since, which a later complete frame confirms
  let sureOffset = BLOCK_BYTES; // right behind the last complete frame
  let offset = BLOCK_BYTES;
  /** @type {Item[]} */
  let unsure = [];
  /** @type {Item | null} */
  let region = null; // its numbers are known at the boundary behind it

  while (offset < window.size) {
    const found = frameAt(window, key, offset);
    if (!found) {
      const boundary = nextBoundary(window, key, offset, expecting);
      if (boundary < 0) break;
      region = item('region', offset, boundary - offset);
      unsure.push(region);
      offset = boundary;
      continue;
    }
    const { sequence, length, body } = found;
    if (expecting === sure) expecting = Object.assign(Object.create(Expecting.prototype), sure);
    const isCopy = sequence < header.continuesFrom;
    let missing = expecting.missingBefore(sequence);
    if (region) {
      const joined = join(missing.copies, missing.own);
      region.numbers = joined.length > 1 ? missing.copies : joined;
      // One stretch, unless a gap was declared in between: then the rest is told at this frame.
      if (joined.length === 1) missing = { copies: [], own: [] };
      if (expecting.isAmongCopies && !isCopy) expecting.next = header.firstSequence;
      region = null;
    }
    const isBehind = expecting.isBehind(sequence);
    if (!isBehind) expecting.accept(sequence);
    if (!body) {
      const numbers = isBehind ? [] : join(missing.own, [[sequence, sequence]]);
      unsure.push({ ...item('body', offset, length), sequence, isCopy, numbers });
    } else {
      yield* unsure;
      unsure = [];
      const numbers = isBehind ? [] : missing.own;
      const kind = isBehind ? 'stale' : 'frame';
      yield { ...item(kind, offset, length), sequence, isCopy, numbers, content: body };
      sure = expecting;
      sureOffset = offset + length;
    }
    offset += length;
  }
  const end = window.size;
  if (end > sureOffset) {
    const length = end - sureOffset;
    yield { ...item('tail', sureOffset, length), numbers: sure.possible(length) };
  }
  return { next: sure.next, isAmongCopies: sure.isAmongCopies };
}

const NOTHING = Buffer.alloc(0);

/** @param {Item['kind']} kind @param {number} offset @param {number} length @returns {Item} */
const item = (kind, offset, length) =>
  ({ kind, offset, length, sequence: 0n, numbers: [], isCopy: false, content: NOTHING });

/**
 * A header that verifies, of a frame that lies inside the file.
 * @param {Window} window @param {FrameKey} key @param {number} offset
 * @returns {{ sequence: bigint, length: number, body: Buffer | null } | null} body null: it is bad
 */
function frameAt(window, key, offset) {
  const header = key.header(window.view(offset, FRAME_HEADER_BYTES), offset);
  if (!header) return null;
  const length = FRAME_HEADER_BYTES + header.bodyBytes;
  if (offset + length > window.size) return null;
  const body = window.view(offset, length).subarray(FRAME_HEADER_BYTES);
  if (body.length < header.bodyBytes) return null;
  return { sequence: header.sequence, length, body: bodyVerifies(body, header.crc) ? body : null };
}

/**
 * The search of REC-3.1. Only where the sync word stands is anything computed, and only headers are.
 * @param {Window} window @param {FrameKey} key @param {number} start @param {Expecting} expecting
 * @returns {number} -1 if there is none
 */
function nextBoundary(window, key, start, expecting) {
  const highest = expecting.next > expecting.firstSequence ? expecting.next : expecting.firstSequence;
  for (let offset = start + 1; offset + FRAME_BYTES_MIN <= window.size; ) {
    const part = window.view(offset, FRAME_BYTES_MAX);
    const at = part.indexOf(key.syncWord);
    if (at < 0) {
      offset += Math.max(part.length - 3, 1); // a word may lie across the end of this part
      continue;
    }
    offset += at;
    const header = key.header(window.view(offset, FRAME_HEADER_BYTES), offset);
    const records = BigInt(Math.floor((offset - start) / FRAME_BYTES_MIN));
    if (
      header &&
      offset + FRAME_HEADER_BYTES + header.bodyBytes <= window.size &&
      header.sequence >= expecting.next &&
      header.sequence <= highest + records
    ) {
      return offset;
    }
    offset += 1;
  }
  return -1;
}
