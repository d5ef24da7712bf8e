/**
 * How records get into a file: rotation, quota, writing, and what a failure leaves. WAL-1.1 to WAL-5.1.
 */

import { WalError, diskText } from './errors.mjs';
import { decodeEvent } from './events.mjs';
import { FRAME_HEADER_BYTES, FrameKey, encodeInner, recordsIn } from './frames.mjs';
import { BLOCK_BYTES } from './sealed.mjs';
import { SEQUENCE_MAX } from './segment_header.mjs';

/** Bytes of a frame besides timestamp and event. */
const FRAME_REST_BYTES = FRAME_HEADER_BYTES + 8 + 4;

export class Appending {
  /**
   * @param {import('./state.mjs').State} state
   * @param {import('./recovering.mjs').Recovering} recovering
   */
  constructor(state, recovering) {
    this.state = state;
    this.recovering = recovering;
  }

  /** @param {Buffer[]} events @returns {bigint[]} */
  append(events) {
    const { state } = this;
    /** @type {bigint[]} */
    const stored = [];
    try {
      if (state.failed) throw new WalError('LogFailed', `${state.failed}; open the log again`);
      for (const event of events) this.#check(event); // all of them, before a sequence is taken
      const timestamp = state.chance.now();
      const inners = events.map((event) => encodeInner(timestamp, event));
      while (stored.length < inners.length) this.#store(inners, stored);
      return stored;
    } catch (error) {
      if (error instanceof WalError) error.details.stored = stored;
      throw error;
    }
  }

  /** @param {Buffer} event */
  #check(event) {
    const limit = this.state.config.event_bytes_max;
    if (event.length > limit) {
      throw new WalError('EventTooLarge', `the event has ${event.length} bytes, at most ${limit} are allowed`);
    }
    decodeEvent(event);
  }

  /** Store some of a batch by one write and one sync. @param {Buffer[]} inners @param {bigint[]} stored */
  #store(inners, stored) {
    const { state } = this;
    this.#prepare(FRAME_REST_BYTES + inners[stored.length].length);
    const active = /** @type {import('./making_files.mjs').OpenSegment} */ (state.active);
    const key = new FrameKey(active.header.salt, active.number);
    const { rotation_bytes, batch_bytes_max, quota_bytes } = state.config;
    const room = quota_bytes - state.usedBytes();
    /** @type {Buffer[]} */
    const frames = [];
    let bytes = 0;
    for (const inner of inners.slice(stored.length)) {
      const length = FRAME_REST_BYTES + inner.length;
      const isEnd = active.size + bytes >= rotation_bytes || bytes + length > batch_bytes_max || bytes + length > room;
      const sequence = state.next + BigInt(frames.length);
      if (frames.length > 0 && (isEnd || sequence > SEQUENCE_MAX)) break;
      frames.push(key.encode(active.size + bytes, sequence, inner));
      bytes += length;
    }
    this.#write(active, Buffer.concat(frames));
    for (let count = 0; count < frames.length; count += 1) stored.push(state.next + BigInt(count));
    state.next += BigInt(frames.length);
    state.continuesFrom = state.next;
    active.end = state.next - 1n;
  }

  /** @param {import('./making_files.mjs').OpenSegment} active @param {Buffer} bytes */
  #write(active, bytes) {
    const { disk } = this.state;
    try {
      disk.write(active.fd, active.size, bytes);
    } catch (error) {
      throw this.#cutBack(active, bytes.length, diskText(error));
    }
    try {
      // This sync is the promise: without it a power cut takes events whose append returned.
      disk.sync(active.fd);
    } catch (error) {
      // Tried again it would succeed without writing: the kernel has dropped the dirty pages.
      this.state.failed = `a sync failed: ${diskText(error)}`;
      throw new WalError('SyncFailed', `${this.state.failed}; the events may survive or not`);
    }
    active.size += bytes.length;
  }

  /**
   * @param {import('./making_files.mjs').OpenSegment} active
   * @param {number} bytes
   * @param {string} text
   */
  #cutBack(active, bytes, text) {
    const { state } = this;
    state.mustRotate = true; // an offset is written once
    try {
      state.disk.truncate(active.fd, active.size);
      state.disk.sync(active.fd); // or a power cut brings back what the caller was told is not stored
      return new WalError('DiskRejected', `${text}; nothing was stored`);
    } catch (error) {
      // A recovery may find them; so their numbers are gone.
      const count = BigInt(recordsIn(bytes));
      state.settled.add(state.next, state.next + count - 1n);
      state.next += count;
      active.end = state.next - 1n;
      state.watermark = state.settled.absorb(state.watermark);
      return new WalError('AppendIndefinite', `${text}; and cutting it back: ${diskText(error)}`);
    }
  }

  /** Get a file that a record of `length` bytes may be appended to. @param {number} length */
  #prepare(length) {
    const { state } = this;
    if (state.next > SEQUENCE_MAX) throw new WalError('NoSegment', 'there are no more sequences');
    if (state.hiddenFrom !== null) state.writeAcknowledgement(null);
    if (!state.active) {
      const reason = this.recovering.makeFile();
      if (reason) throw new WalError('NoSegment', reason);
    }
    this.#mindTheQuota(length);
    const active = /** @type {import('./making_files.mjs').OpenSegment} */ (state.active);
    if (this.#isRotationDue()) {
      const reason = this.#rotate();
      const fits = active.size + length <= state.config.file_bytes_max;
      if (reason && (state.mustRotate || !fits)) throw new WalError('NoSegment', reason);
    }
    if (!state.ackFile.mayHaveMark) return;
    // The mark says that the file ends here. Withdrawn too late, a crash would leave a grown file
    // whose records a lost size takes away again, under a mark that calls this a clean end.
    if (state.writeAcknowledgement(null)) return;
    const reason = this.#rotate();
    if (reason) throw new WalError('NoSegment', reason);
  }

  #isRotationDue() {
    const { active, config, mustRotate } = this.state;
    return mustRotate || /** @type {{ size: number }} */ (active).size >= config.rotation_bytes;
  }

  /** @param {number} length */
  #mindTheQuota(length) {
    const { state } = this;
    const isOver = () => {
      const block = this.#isRotationDue() ? BLOCK_BYTES : 0;
      return state.usedBytes() + block + length > state.config.quota_bytes;
    };
    if (!isOver()) return;
    const { size } = /** @type {{ size: number }} */ (state.active);
    if (state.watermark + 1n === state.next && size > BLOCK_BYTES && !this.#rotate()) state.deleteSettled();
    if (isOver()) {
      const text = `${state.usedBytes()} of ${state.config.quota_bytes} bytes are used; acknowledge something`;
      throw new WalError('QuotaExceeded', text);
    }
  }

  /** @returns {string} why there is no new file; empty if there is one */
  #rotate() {
    const { state } = this;
    const from = state.continuesFrom;
    try {
      const made = state.maker.rotate({ relocatedFrom: from, continuesFrom: from, firstSequence: state.next });
      if (state.active) state.disk.close(state.active.fd);
      state.active = made;
      state.segments.push(made);
    } catch (error) {
      return diskText(error);
    }
    state.mustRotate = false;
    state.continuesFrom = state.next; // what was burned is declared
    state.ackFile.mayHaveMark = false; // a mark of another file than the newest means nothing
    return '';
  }
}
