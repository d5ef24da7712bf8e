/**
 * Opens a log: reads, and then changes what has to be changed, in the order of REC-9.2. REC-7.1 to
 * REC-9.3. A crash after any call leaves a directory that recovers to the same entries.
 */

import fs from 'node:fs';

import { AckFile } from './ack_file.mjs';
import { DeadLetters } from './dead_letters.mjs';
import { orRefuse, prepareDirectory, takeLock } from './directory.mjs';
import { Disk } from './disk.mjs';
import { WalError, diskText } from './errors.mjs';
import { FileMaker, filesThatWereOpen, replacingNumbers } from './making_files.mjs';
import { ACK_NAME } from './names.mjs';
import { copyAside, moveAside } from './quarantine.mjs';
import { Reading } from './reading.mjs';
import { Report } from './report.mjs';
import { COPY_BYTES, COPY_OFFSETS } from './sealed.mjs';
import { NO_LOG_ID } from './segment_header.mjs';
import { State } from './state.mjs';
import { survey } from './survey.mjs';

export class Recovering {
  /**
   * @param {string} directory
   * @param {Record<string, number>} config
   * @param {import('./chance.mjs').Chance} chance
   */
  constructor(directory, config, chance) {
    prepareDirectory(directory);
    const lock = takeLock(directory);
    try {
      this.disk = new Disk(directory);
      this.survey = orRefuse(directory, () => survey(this.disk));
      this.report = new Report();
      this.isNew = this.survey.logId === null;
      const logId = this.survey.logId ?? Buffer.from(chance.bytes(16)).toString('hex');
      const letters = new DeadLetters(this.disk, logId, this.survey.deadBytes);
      const reading = this.#read(letters);
      const identity = {
        logId,
        previousLogId: this.survey.segments.at(-1)?.header.previousLogId ?? NO_LOG_ID,
      };
      this.state = new State({
        disk: this.disk,
        chance,
        config,
        logId,
        report: this.report,
        ackFile: new AckFile(this.disk, logId, this.survey),
        deadLetters: letters,
        maker: new FileMaker(this.disk, chance, identity, this.survey.highestNumber),
        reading,
        lock,
      });
      /** Files that a new one takes the place of. @type {import('./reading.mjs').Segment[]} */
      this.old = [];
      this.#change(reading);
    } catch (error) {
      fs.closeSync(lock);
      throw error;
    }
  }

  /** @param {DeadLetters} letters */
  #read(letters) {
    const { disk, report } = this;
    const { ackBytes, slots } = this.survey;
    if (ackBytes !== null && !slots.some((slot) => slot)) {
      report.add('acknowledgement-file', { file: ACK_NAME, offset: 0, length: ackBytes }, 'none', null);
    } else if (ackBytes !== null && slots.includes(null)) {
      const offset = COPY_OFFSETS[slots.indexOf(null)];
      report.add('acknowledgement-slot', { file: ACK_NAME, offset, length: COPY_BYTES }, 'none', null);
    }
    const reading = new Reading(disk, this.survey, report, (sequence, inner, reason) => {
      try {
        letters.append(sequence, inner, reason);
        return true;
      } catch (error) {
        if (!(error instanceof WalError)) throw error;
        return false; // it stays unsettled; the next open tries again
      }
    });
    orRefuse(disk.directory, () => reading.run());
    return reading;
  }

  /** Was the last close clean, so that the newest file can be appended to? @param {Reading} reading */
  #isClean(reading) {
    const { slots, slot, segments } = this.survey;
    const newest = segments.at(-1);
    return (
      !slots.includes(null) &&
      slot !== null &&
      newest !== undefined &&
      slot.cleanFile === newest.number &&
      slot.cleanLength === newest.size &&
      slot.nextSequence === reading.account.expected &&
      !reading.hasBurned
    );
  }

  /** @param {Reading} reading */
  #change(reading) {
    const { report, state } = this;
    const isClean = this.#isClean(reading);
    report.logId = state.logId;
    report.previousLogId = this.survey.previousLogId;
    report.cleanShutdown = isClean || this.isNew;
    report.segments = this.survey.segments.length;
    report.acknowledgedThrough = state.watermark;
    report.nextSequence = state.next;
    report.ignored = this.survey.ignored;

    state.quarantineBytes = copyAside(
      this.disk, reading.damaged.values(), this.survey.quarantine, state.config, report,
    );
    this.#removeLeftovers();
    if (isClean) this.#goOn();
    else {
      this.old = this.isNew ? [] : filesThatWereOpen(state.segments);
      report.degraded = this.makeFile();
      state.degraded = report.degraded;
      if (report.degraded && !this.isNew && !state.writeAcknowledgement(null)) {
        const lowest = this.old.map(({ header }) => header.relocatedFrom);
        state.hiddenFrom = lowest.reduce((left, right) => (left < right ? left : right));
      }
    }
    this.#moveAside();
  }

  /** Go on in the newest file. */
  #goOn() {
    const { state } = this;
    const newest = /** @type {import('./reading.mjs').Segment} */ (state.segments.at(-1));
    try {
      state.active = Object.assign(newest, { fd: this.disk.openToWrite(newest.name) });
      state.ackFile.mayHaveMark = true;
    } catch (error) {
      this.report.degraded = diskText(error);
      state.degraded = this.report.degraded;
    }
  }

  #removeLeftovers() {
    const { disk, report } = this;
    try {
      for (const name of this.survey.leftovers) {
        disk.unlink(name);
        report.removed.push(name);
      }
      // Without it the next open could find an interrupted rotation behind files that are newer.
      if (report.removed.length > 0) disk.syncDirectory();
    } catch (error) {
      diskText(error); // what is left is a leftover for the next open, too
    }
  }

  /**
   * Make the file that is appended to, and let it take the place of the old ones.
   * @returns {string} why there is none; empty if there is one
   */
  makeFile() {
    const { state, old } = this;
    try {
      if (old.length === 0) {
        const next = state.next;
        state.active = state.maker.rotate({ relocatedFrom: next, continuesFrom: next, firstSequence: next });
      } else {
        const numbers = replacingNumbers(old, this.survey.slot?.acknowledgedThrough ?? 0n, state.next);
        state.active = state.maker.replace(numbers, old, (sequence) => state.isUnsettled(sequence));
      }
    } catch (error) {
      return diskText(error);
    }
    state.segments.push(state.active);
    state.continuesFrom = state.next;
    state.hiddenFrom = null;
    // Only when the slots are durable may the old file go: it is what the older mark and floor fit.
    if (state.writeAcknowledgement(state.markNow())) this.#unlinkOld();
    this.old = [];
    state.degraded = ''; // the report is of the open and does not change
    return '';
  }

  #unlinkOld() {
    const { disk, old, state } = this;
    try {
      for (const segment of [...old].reverse()) {
        if (segment.header.logId !== state.logId) break; // kept until it is settled
        disk.unlink(segment.name);
        state.segments.splice(state.segments.indexOf(segment), 1);
        disk.syncDirectory(); // or an older one could go on the disk, and one behind it stay
      }
    } catch (error) {
      diskText(error); // both stay, which is legal
    }
  }

  #moveAside() {
    const { state, report } = this;
    const areNumbersSafe = state.active !== null || state.hiddenFrom === null;
    for (const { name, header } of this.survey.files) {
      const isOurs = this.survey.segments.some((segment) => segment.name === name);
      if (header && !isOurs) moveAside(this.disk, name, 'foreign', report);
      // It tells that its numbers are burned, until the new header or the floor says so.
      else if (!header && areNumbersSafe) moveAside(this.disk, name, 'unreadable', report);
    }
  }
}
