/**
 * The header of a segment, which stands twice in the block at its start: FMT-4.1 to FMT-4.6.
 */

import { BLOCK_BYTES, COPY_BYTES, COPY_OFFSETS, brokenSeal, seal } from './sealed.mjs';

export const SEQUENCE_MAX = 2n ** 64n - 1n - 2n ** 16n;
export const FILE_NUMBER_MAX = 2 ** 32 - 1 - 2 ** 16; // above it a file would have no successor
const MAGIC = Buffer.from('89504d570d0a1a0a', 'hex');

/**
 * @typedef {object} Header
 * @property {number} fileNumber
 * @property {string} logId 32 hex digits
 * @property {string} previousLogId 32 hex digits, zeros if none
 * @property {Buffer} salt
 * @property {bigint} relocatedFrom
 * @property {bigint} continuesFrom
 * @property {bigint} firstSequence
 *
 * @typedef {{ header: Header } | { unsupported: { major: number, flags: number } }
 *   | { fault: 'short' | 'crc' | 'magic' | 'fields' }} HeaderCopy
 */

export const NO_LOG_ID = '0'.repeat(32);

/** @param {Header} header @returns {Buffer} the whole block */
export function encodeBlock(header) {
  const copy = seal(MAGIC, (bytes) => {
    bytes.writeUInt32LE(header.fileNumber, 16);
    bytes.write(header.logId, 20, 'hex');
    bytes.write(header.previousLogId, 36, 'hex');
    header.salt.copy(bytes, 52);
    bytes.writeBigUInt64LE(header.relocatedFrom, 60);
    bytes.writeBigUInt64LE(header.continuesFrom, 68);
    bytes.writeBigUInt64LE(header.firstSequence, 76);
  });
  const block = Buffer.alloc(BLOCK_BYTES);
  for (const offset of COPY_OFFSETS) copy.copy(block, offset);
  return block;
}

/**
 * @param {Buffer} bytes up to 128
 * @returns {HeaderCopy}
 */
export function decodeCopy(bytes) {
  const broken = brokenSeal(bytes, MAGIC);
  if (broken) return broken;
  const header = {
    fileNumber: bytes.readUInt32LE(16),
    logId: bytes.toString('hex', 20, 36),
    previousLogId: bytes.toString('hex', 36, 52),
    salt: Buffer.from(bytes.subarray(52, 60)),
    relocatedFrom: bytes.readBigUInt64LE(60),
    continuesFrom: bytes.readBigUInt64LE(68),
    firstSequence: bytes.readBigUInt64LE(76),
  };
  const inOrder =
    header.relocatedFrom >= 1n &&
    header.relocatedFrom <= header.continuesFrom &&
    header.continuesFrom <= header.firstSequence &&
    header.firstSequence <= SEQUENCE_MAX;
  const isNumbered = header.fileNumber >= 1 && header.fileNumber <= FILE_NUMBER_MAX;
  return inOrder && isNumbered && header.logId !== NO_LOG_ID ? { header } : { fault: 'fields' };
}

/**
 * What the block at the start of a file says: FMT-4.2, FMT-4.3.
 * @param {Buffer} block as much as there is
 * @param {number} fileNumber that of the file's name
 * @returns {{ header: Header | null, badCopy: number | null, unsupported: string }}
 *   `badCopy`: the offset of a copy that is bad beside a usable one
 */
export function decodeBlock(block, fileNumber) {
  const parts = COPY_OFFSETS.map((at) => block.subarray(at, at + COPY_BYTES));
  const copies = parts.map(decodeCopy);
  const good = copies.findIndex((each) => 'header' in each && each.header.fileNumber === fileNumber);
  if (good >= 0) {
    const { header } = /** @type {{ header: Header }} */ (copies[good]);
    const differs = !parts[1 - good].equals(parts[good]);
    return { header, badCopy: differs ? COPY_OFFSETS[1 - good] : null, unsupported: '' };
  }
  const decides = copies.find((each) => !('fault' in each));
  const unsupported =
    decides && 'unsupported' in decides
      ? `version ${decides.unsupported.major}, flags ${decides.unsupported.flags}`
      : '';
  return { header: null, badCopy: null, unsupported };
}
