/**
 * The write-ahead log: open, append, acknowledge, refuse, replay, close.
 *
 * When `append` returns, its event survives any crash until it is settled. Everything is synchronous
 * and single-threaded, so there is no group commit: callers that want one pass a batch.
 *
 * Elsewhere: what an open reads (survey.mjs, reading.mjs) and changes (recovering.mjs), how records
 * get into a file (appending.mjs).
 */

import { Appending } from './appending.mjs';
import { realChance } from './chance.mjs';
import { makeConfig } from './config.mjs';
import { WalError, diskText } from './errors.mjs';
import { decodeBody, innerOf } from './frames.mjs';
import { Recovering } from './recovering.mjs';
import { scan } from './scan.mjs';

export class WriteAheadLog {
  /**
   * @param {string} directory
   * @param {Record<string, unknown>} settings fields of WalConfig
   * @param {import('./chance.mjs').Chance} chance
   * @throws {RangeError} a setting is out of its bounds
   * @throws {WalError} the four reasons not to open
   */
  constructor(directory, settings = {}, chance = realChance()) {
    const config = makeConfig(settings);
    this.recovering = new Recovering(directory, config, chance);
    this.state = this.recovering.state;
    this.appending = new Appending(this.state, this.recovering);
    this.isClosed = false;
    this.#housekeep(0n); // what was settled before goes now
  }

  get report() {
    return this.state.report;
  }

  get logId() {
    return this.state.logId;
  }

  #mustBeOpen() {
    if (this.isClosed) throw new WalError('WalClosed', 'the log was closed');
  }

  /**
   * @param {Buffer} event as encoded
   * @returns {bigint} its sequence, when it is durable
   */
  append(event) {
    return this.appendBatch([event])[0];
  }

  /**
   * @param {Buffer[]} events
   * @returns {bigint[]} their sequences, when all are durable
   * @throws {WalError} with `details.stored`, the sequences that are durable nevertheless
   */
  appendBatch(events) {
    this.#mustBeOpen();
    return this.appending.append(events);
  }

  /** Settle all numbers up to `through`. @param {bigint} through */
  acknowledge(through) {
    this.#mustBeOpen();
    const { state } = this;
    if (through >= state.next) {
      throw new WalError('AcknowledgedBeyondLog', `${through} is acknowledged, and ${state.next} is the next number`);
    }
    this.#settle(1n, through);
  }

  /**
   * Put an event aside for good: it is settled when its letter is durable.
   * @param {bigint} sequence
   * @param {string} reason
   */
  refuse(sequence, reason) {
    this.#mustBeOpen();
    const { state } = this;
    this.#showHidden();
    if (state.hiddenFrom !== null && sequence >= state.hiddenFrom && sequence < state.next) {
      throw new WalError('EntriesNotDurable', `${sequence} is not durable yet`);
    }
    const found = state.isUnsettled(sequence) ? this.#find(sequence) : null;
    if (!found) throw new WalError('NotInLog', `${sequence} is not in the log, or is settled already`);
    state.deadLetters.append(sequence, found, reason);
    this.#settle(sequence, sequence);
  }

  /** @param {bigint} first @param {bigint} last */
  #settle(first, last) {
    const { state } = this;
    const before = state.watermark;
    state.settled.add(first, last);
    state.watermark = state.settled.absorb(before);
    this.#housekeep(state.watermark - before);
  }

  /** @param {bigint} sequence @returns {Buffer | null} timestamp and event as encoded */
  #find(sequence) {
    for (const item of this.#frames(sequence)) {
      if (item.sequence === sequence) return Buffer.from(innerOf(item.content));
      if (item.sequence > sequence) break;
    }
    return null;
  }

  /**
   * Unsettled entries above `after`, in order, one at a time.
   * @param {bigint} after
   * @returns {Generator<{ sequence: bigint, timestamp: bigint, event: Buffer }>}
   */
  *replay(after = 0n) {
    this.#mustBeOpen();
    this.#showHidden();
    for (const { sequence, content } of this.#frames(after + 1n)) {
      let entry;
      try {
        entry = decodeBody(content, sequence);
      } catch (error) {
        if (!(error instanceof WalError)) throw error;
        continue; // its dead letter could not be stored: it waits for that
      }
      yield { sequence, timestamp: entry.timestamp, event: Buffer.from(entry.encoded) };
    }
  }

  /** Frames of unsettled, visible entries from a number on. @param {bigint} from */
  *#frames(from) {
    const { disk, segments, hiddenFrom, next } = this.state;
    const below = hiddenFrom ?? next;
    let expected = from;
    for (const { name, header, size, floor, end } of [...segments]) {
      if (end < expected) continue;
      try {
        const fd = disk.openToRead(name);
        try {
          for (const item of scan(disk, fd, header, size)) {
            const { kind, sequence } = item;
            if (kind !== 'frame' || sequence < expected || sequence >= below) continue;
            if (!item.isCopy && sequence < floor) continue; // a repeat that nothing declares
            expected = sequence + 1n;
            if (this.state.isUnsettled(sequence)) yield item;
          }
        } finally {
          disk.close(fd);
        }
      } catch (error) {
        if (error instanceof WalError) throw error;
        throw new WalError('ReadFailed', `${name}: ${diskText(error)}`);
      }
    }
  }

  status() {
    const { next, watermark, hiddenFrom, segments } = this.state;
    return {
      nextSequence: next,
      acknowledgedThrough: watermark,
      hiddenFrom,
      segments: segments.map(({ name }) => name),
      usedBytes: this.state.usedBytes(),
    };
  }

  /** Entries are hidden until watermark and floor are in the slots: try again. */
  #showHidden() {
    if (this.state.hiddenFrom !== null) this.state.writeAcknowledgement(null);
  }

  /**
   * Write the watermark when it is time, and delete what is settled: ACK-5.1, ACK-5.2. A disk that
   * fails here fails nothing: it is tried again with the next acknowledgement.
   * @param {bigint} count of numbers that were settled now
   */
  #housekeep(count) {
    const { state } = this;
    state.sinceWritten += count;
    if (state.canDelete()) {
      state.deleteSettled();
      return;
    }
    const { acknowledge_count_max: most, acknowledge_interval_ns: interval } = state.config;
    const elapsed = state.chance.elapsed() - state.lastWritten;
    if (count > 0n && (state.sinceWritten >= BigInt(most) || elapsed >= BigInt(interval))) {
      state.writeAcknowledgement(state.mark());
    }
  }

  /**
   * @returns {{ clean: boolean, reason: string }} clean: the next open finds all as it was, and goes
   *   on in the same file
   */
  close() {
    this.#mustBeOpen();
    const { state } = this;
    const reason = state.failed || state.degraded || (state.mustRotate ? 'a write failed' : '');
    const isWritten = state.writeAcknowledgement(reason || !state.active ? null : state.markNow());
    this.letGo();
    if (reason || !isWritten) return { clean: false, reason: reason || 'the acknowledgement file failed' };
    return { clean: true, reason: '' };
  }

  /** Close descriptors and nothing else: as if the process had died. */
  letGo() {
    this.isClosed = true;
    this.state.letGo();
  }

  /** @returns {string[]} */
  deadLetters() {
    try {
      return this.state.deadLetters.sequences();
    } catch (error) {
      throw new WalError('ReadFailed', diskText(error));
    }
  }
}
