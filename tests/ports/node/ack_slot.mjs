/**
 * One slot of the acknowledgement file, and which of two counts: ACK-1.1.
 */

import { COPY_BYTES, COPY_OFFSETS, brokenSeal, seal } from './sealed.mjs';

export const GENERATION_MAX = 2n ** 64n - 1n - 2n ** 16n;
export const NEXT_SEQUENCE_MAX = 2n ** 64n - 2n ** 16n;
const MAGIC = Buffer.from('89504d410d0a1a0a', 'hex');

/**
 * @typedef {object} Slot
 * @property {bigint} generation
 * @property {string} logId
 * @property {bigint} acknowledgedThrough
 * @property {bigint} nextSequence a floor
 * @property {number} cleanFile 0: no mark
 * @property {number} cleanLength
 */

/** @param {Slot} slot */
export const encodeSlot = (slot) =>
  seal(MAGIC, (bytes) => {
    bytes.writeBigUInt64LE(slot.generation, 16);
    bytes.write(slot.logId, 24, 'hex');
    bytes.writeBigUInt64LE(slot.acknowledgedThrough, 40);
    bytes.writeBigUInt64LE(slot.nextSequence, 48);
    bytes.writeUInt32LE(slot.cleanFile, 56);
    bytes.writeBigUInt64LE(BigInt(slot.cleanLength), 60);
  });

/** @param {bigint} generation */
export const slotOffset = (generation) => COPY_OFFSETS[Number(generation % 2n)];

/**
 * @param {Buffer} bytes
 * @returns {(Slot & { rawCleanLength: bigint }) | null} null: not usable
 */
export function decodeSlot(bytes) {
  if (brokenSeal(bytes, MAGIC)) return null;
  const rawCleanLength = bytes.readBigUInt64LE(60);
  const slot = {
    generation: bytes.readBigUInt64LE(16),
    logId: bytes.toString('hex', 24, 40),
    acknowledgedThrough: bytes.readBigUInt64LE(40),
    nextSequence: bytes.readBigUInt64LE(48),
    cleanFile: bytes.readUInt32LE(56),
    cleanLength: Number(rawCleanLength),
    rawCleanLength,
  };
  const isUsable =
    slot.generation <= GENERATION_MAX &&
    slot.nextSequence <= NEXT_SEQUENCE_MAX &&
    slot.acknowledgedThrough < slot.nextSequence;
  return isUsable ? slot : null;
}

/**
 * Both slots of a file, null for what is not usable.
 * @param {Buffer} bytes
 */
export const decodeSlots = (bytes) =>
  COPY_OFFSETS.map((at) => decodeSlot(bytes.subarray(at, at + COPY_BYTES)));

/**
 * @param {(Slot | null)[]} slots
 * @returns {Slot | null} the one with the highest generation; of two equal ones the first
 */
export function newestSlot([first, second]) {
  if (!first || !second) return first ?? second;
  return second.generation > first.generation ? second : first;
}
