/**
 * Events that can never be delivered, a line each: DLQ-1.1, DLQ-1.2.
 */

import { crc32 } from './crc32.mjs';
import { WalError, diskText } from './errors.mjs';
import { DEAD_NAME } from './names.mjs';

export class DeadLetters {
  /** @param {import('./disk.mjs').Disk} disk @param {string} logId @param {number} bytes of the file */
  constructor(disk, logId, bytes) {
    this.disk = disk;
    this.logId = logId;
    this.isNameDurable = false;
    this.bytes = bytes;
  }

  /**
   * Durable when it returns. A repeat is legal, so a failed one is simply tried again.
   * @param {bigint} sequence
   * @param {Buffer} inner timestamp and event as encoded
   * @param {string} reason
   */
  append(sequence, inner, reason) {
    const json = JSON.stringify({
      log_id: this.logId,
      sequence: String(sequence),
      reason,
      payload: inner.toString('hex'),
    });
    const crc = crc32(Buffer.from(json)).toString(16).padStart(8, '0');
    try {
      const isNew = !this.disk.exists(DEAD_NAME);
      const fd = isNew ? this.disk.create(DEAD_NAME) : this.disk.openToWrite(DEAD_NAME);
      try {
        // A newline first: the last line may be torn, or its end may not be durable.
        const line = Buffer.from(`${isNew ? '' : '\n'}${crc} ${json}\n`);
        const size = this.disk.size(fd);
        this.disk.write(fd, size, line);
        this.bytes = size + line.length;
        this.disk.sync(fd); // without it the event is settled, and a power cut takes the letter
      } finally {
        this.disk.close(fd);
      }
      if (!this.isNameDurable) this.disk.syncDirectory(); // the same for the name of the file
      this.isNameDurable = true;
    } catch (error) {
      throw new WalError('DeadLetterFailed', `${sequence} stays in the log: ${diskText(error)}`);
    }
  }

  /** @returns {string[]} the sequence of every sound line */
  sequences() {
    const isThere = this.disk.list().some(({ name, isRegular }) => name === DEAD_NAME && isRegular);
    const lines = isThere ? this.disk.readFile(DEAD_NAME).toString('latin1').split('\n') : [];
    return lines.flatMap((line) => {
      const [, crc, json] = /^([0-9a-f]{8}) (.*)$/.exec(line) ?? [];
      const bytes = Buffer.from(json ?? '', 'latin1'); // latin1 keeps every byte as it is
      if (!crc || crc32(bytes) !== Number.parseInt(crc, 16)) return [];
      const letter = parseLetter(bytes.toString('utf8'));
      return typeof letter?.sequence === 'string' ? [letter.sequence] : [];
    });
  }
}

/** @param {string} json @returns {any} undefined: it is none, though its CRC is right (REC-1.1) */
function parseLetter(json) {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
