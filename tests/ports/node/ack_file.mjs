/**
 * Writes `procmond.ack`: watermark, floor and clean mark, in two slots in turn. ACK-1.1, ACK-4.1.
 *
 * At every moment one whole slot, or one whole file, has the floor. A write returns when it is
 * durable; one that throws may have been done or not, and the next one makes the file anew.
 */

import { GENERATION_MAX, encodeSlot, slotOffset } from './ack_slot.mjs';
import { diskText } from './errors.mjs';
import { ACK_NAME, ACK_NEW_NAME } from './names.mjs';
import { BLOCK_BYTES, COPY_OFFSETS } from './sealed.mjs';

/** @typedef {{ number: number, length: number }} Mark a segment that is durable at this length */

export class AckFile {
  /**
   * @param {import('./disk.mjs').Disk} disk
   * @param {string} logId
   * @param {import('./survey.mjs').Survey} survey
   */
  constructor(disk, logId, survey) {
    this.disk = disk;
    this.logId = logId;
    this.generation = survey.slot?.generation ?? 0n;
    /** What the newest slot says, as it was read or written; null: nobody knows. */
    this.newest = survey.slot?.logId === logId ? survey.slot : null;
    /**
     * Both slots are good and in their places, so the older one may be overwritten: if that tears
     * it, the newer one counts.
     */
    this.isSound = survey.slots.every((slot, index) => slot && slotOffset(slot.generation) === COPY_OFFSETS[index]);
    this.isIrregular = survey.ackBytes === null && !survey.isAckNameFree;
    /** Under its new name there is a whole file, and under the old one none. */
    this.isSwapPending = false;
    /** A watermark that this process made durable. One that was read may be in the page cache alone. */
    this.durableThrough = -1n;
    /** May a slot on the disk call the newest file clean? @type {boolean} */
    this.mayHaveMark = false;
  }

  /**
   * @param {bigint} through
   * @param {bigint} nextSequence
   * @param {Mark | null} mark
   */
  write(through, nextSequence, mark) {
    if (this.isIrregular) {
      const text = `${ACK_NAME} is no regular file`;
      throw Object.assign(new Error(text), { code: 'EINVAL', syscall: 'open' });
    }
    this.mayHaveMark ||= mark !== null;
    const slot = {
      logId: this.logId,
      acknowledgedThrough: through,
      nextSequence,
      cleanFile: mark?.number ?? 0,
      cleanLength: mark?.length ?? 0,
    };
    const wasSaid = this.#isSaid(slot);
    this.newest = null;
    if (this.isSwapPending) this.#swap();
    if (!this.#overwrite(slot, wasSaid)) this.#remake(slot);
    this.newest = { ...slot, generation: this.generation };
    this.durableThrough = through;
    this.mayHaveMark = mark !== null;
  }

  /** @param {Omit<import('./ack_slot.mjs').Slot, 'generation'>} slot */
  #isSaid(slot) {
    const { newest } = this;
    return (
      newest !== null &&
      newest.acknowledgedThrough === slot.acknowledgedThrough &&
      newest.nextSequence === slot.nextSequence &&
      newest.cleanFile === slot.cleanFile &&
      newest.cleanLength === slot.cleanLength
    );
  }

  /**
   * @param {Omit<import('./ack_slot.mjs').Slot, 'generation'>} slot
   * @param {boolean} wasSaid the same bytes once more, and a sync: a log that is opened and closed
   *   changes nothing, and what was read may have been in the page cache alone
   */
  #overwrite(slot, wasSaid) {
    if (!this.isSound || this.generation >= GENERATION_MAX) return false;
    if (!wasSaid) this.generation += 1n;
    try {
      const fd = this.disk.openToWrite(ACK_NAME);
      try {
        this.disk.write(fd, slotOffset(this.generation), encodeSlot({ ...slot, generation: this.generation }));
        // Without it a deletion that follows could be durable before the watermark that allows it.
        this.disk.sync(fd);
      } finally {
        this.disk.close(fd);
      }
      return true;
    } catch (error) {
      diskText(error);
      this.isSound = false; // after a failed sync nobody knows what this slot is on the disk
      return false;
    }
  }

  /** @param {Omit<import('./ack_slot.mjs').Slot, 'generation'>} slot */
  #remake(slot) {
    if (this.generation >= GENERATION_MAX) this.generation = 0n;
    const bytes = Buffer.alloc(BLOCK_BYTES);
    for (const generation of [this.generation, this.generation + 1n]) {
      encodeSlot({ ...slot, generation }).copy(bytes, slotOffset(generation));
    }
    if (this.disk.exists(ACK_NEW_NAME)) this.disk.unlink(ACK_NEW_NAME);
    const fd = this.disk.create(ACK_NEW_NAME);
    try {
      this.disk.write(fd, 0, bytes);
      this.disk.sync(fd); // or the name could get to the disk and the slots not
    } finally {
      this.disk.close(fd);
    }
    this.disk.syncDirectory(); // or the old name could go before the new one is there for good
    this.generation += 1n;
    if (this.disk.exists(ACK_NAME)) this.disk.unlink(ACK_NAME);
    this.isSwapPending = true;
    this.#swap();
  }

  #swap() {
    this.disk.rename(ACK_NEW_NAME, ACK_NAME);
    this.isSwapPending = false;
    this.disk.syncDirectory(); // or the old file comes back, and beside it the new one is a leftover
    this.isSound = true;
  }
}
