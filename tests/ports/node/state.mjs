/**
 * What an open log knows, and how it writes its watermark and deletes: ACK-5.1, REC-9.3.
 *
 * One object that the parts of the log share; what they decide is theirs.
 */

import fs from 'node:fs';

import { diskText } from './errors.mjs';
import { encodeBlock } from './segment_header.mjs';

/** @typedef {import('./making_files.mjs').OpenSegment} OpenSegment */

export class State {
  /**
   * @param {object} parts
   * @param {import('./disk.mjs').Disk} parts.disk
   * @param {import('./chance.mjs').Chance} parts.chance
   * @param {Record<string, number>} parts.config
   * @param {string} parts.logId
   * @param {import('./report.mjs').Report} parts.report
   * @param {import('./ack_file.mjs').AckFile} parts.ackFile
   * @param {import('./dead_letters.mjs').DeadLetters} parts.deadLetters
   * @param {import('./making_files.mjs').FileMaker} parts.maker
   * @param {import('./reading.mjs').Reading} parts.reading
   * @param {number} parts.lock
   */
  constructor({ disk, chance, config, logId, report, ackFile, deadLetters, maker, reading, lock }) {
    this.disk = disk;
    this.chance = chance;
    this.config = config;
    this.logId = logId;
    this.report = report;
    this.ackFile = ackFile;
    this.deadLetters = deadLetters;
    this.maker = maker;
    this.lock = lock;
    /** Oldest first; the last one is the newest. @type {import('./reading.mjs').Segment[]} */
    this.segments = reading.segments;
    /** The file that is appended to. @type {OpenSegment | null} */
    this.active = null;
    /** The active file is not appended to again. */
    this.mustRotate = false;
    /** Why there is no file to append to. */
    this.degraded = '';
    /** Why this process cannot know what is on the disk. */
    this.failed = '';
    /** Settled numbers above the watermark. */
    this.settled = reading.settled;
    this.watermark = this.settled.absorb(reading.account.acknowledged);
    this.next = reading.next;
    /** One above the last number that is in a file; from here to `next` numbers are burned. */
    this.continuesFrom = reading.next;
    /** @type {bigint | null} */
    this.hiddenFrom = null;
    this.quarantineBytes = 0;
    this.sinceWritten = 0n;
    this.lastWritten = chance.elapsed();
  }

  /** @param {bigint} sequence */
  isUnsettled(sequence) {
    return sequence > this.watermark && sequence < this.next && !this.settled.has(sequence);
  }

  usedBytes() {
    const bytes = this.segments.reduce((sum, { size }) => sum + size, 0);
    return bytes + this.deadLetters.bytes + this.quarantineBytes;
  }

  /** The active file at its present length: all of it is synced. */
  markNow() {
    const { number, size } = /** @type {OpenSegment} */ (this.active);
    return { number, length: size };
  }

  /** The mark that the slots have, if they have one. */
  mark() {
    return this.ackFile.mayHaveMark && this.active ? this.markNow() : null;
  }

  /**
   * @param {import('./ack_file.mjs').Mark | null} mark
   * @returns {boolean} whether watermark and floor are durable
   */
  writeAcknowledgement(mark) {
    try {
      this.ackFile.write(this.watermark, this.next, mark);
    } catch (error) {
      diskText(error); // costs repeats, never an event
      return false;
    }
    this.sinceWritten = 0n;
    this.lastWritten = this.chance.elapsed();
    this.hiddenFrom = null;
    return true;
  }

  /** Is everything in the oldest file settled, and is it not the newest? */
  canDelete() {
    return this.segments.length > 1 && this.segments[0].end <= this.watermark;
  }

  /** Delete settled files, oldest first. What fails is tried again later. */
  deleteSettled() {
    // The watermark first, durably: else a power cut could take it and leave the gap, a loss.
    if (this.ackFile.durableThrough < this.watermark && !this.writeAcknowledgement(this.mark())) return;
    try {
      if (!this.active) this.#makeNewestDurable();
      // A sync of names that failed comes first: else a power cut could keep the deletion alone.
      if (this.disk.isSyncPending) this.disk.syncDirectory();
      while (this.canDelete()) {
        this.disk.unlink(this.segments[0].name);
        this.segments.shift();
        this.disk.syncDirectory(); // or an older file could go on the disk after a newer one
      }
    } catch (error) {
      diskText(error);
    }
  }

  /**
   * A degraded log has read its newest file, perhaps from the page cache alone. When it is all that
   * is left it carries the identity of the log.
   */
  #makeNewestDurable() {
    const newest = /** @type {import('./reading.mjs').Segment} */ (this.segments.at(-1));
    const fd = this.disk.openToWrite(newest.name);
    try {
      this.disk.write(fd, 0, encodeBlock(newest.header));
      this.disk.sync(fd); // bytes that were only read may have failed to reach the disk before
    } finally {
      this.disk.close(fd);
    }
  }

  letGo() {
    if (this.active) fs.closeSync(this.active.fd);
    fs.closeSync(this.lock);
  }
}
