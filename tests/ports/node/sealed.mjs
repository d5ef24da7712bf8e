/**
 * What a copy of a segment's header and a slot of the acknowledgement file have in common: 128 bytes with
 * magic, version, flags and a CRC, which stand twice in 8192 bytes. FMT-4.1, FMT-4.3, ACK-1.1.
 */

import { crc32 } from './crc32.mjs';

export const BLOCK_BYTES = 8192;
export const COPY_BYTES = 128;
export const COPY_OFFSETS = [0, 4096];
const CRC_OFFSET = 124;

/**
 * @param {Buffer} magic
 * @param {(bytes: Buffer) => void} fill writes the fields, from 16 on
 * @returns {Buffer}
 */
export function seal(magic, fill) {
  const bytes = Buffer.alloc(COPY_BYTES);
  magic.copy(bytes, 0);
  bytes.writeUInt16LE(1, 8);
  fill(bytes);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_OFFSET)), CRC_OFFSET);
  return bytes;
}

/**
 * The checks have this order (FMT-4.3): only what verifies can be of an unsupported version.
 * @param {Buffer} bytes up to 128
 * @param {Buffer} magic
 * @returns {{ unsupported: { major: number, flags: number } } | { fault: 'short' | 'crc' | 'magic' } | null}
 *   null: the fields may be read
 */
export function brokenSeal(bytes, magic) {
  if (bytes.length < COPY_BYTES) return { fault: 'short' };
  if (crc32(bytes.subarray(0, CRC_OFFSET)) !== bytes.readUInt32LE(CRC_OFFSET)) return { fault: 'crc' };
  if (!bytes.subarray(0, 8).equals(magic)) return { fault: 'magic' };
  const [major, flags] = [bytes.readUInt16LE(8), bytes.readUInt32LE(12)];
  return major !== 1 || flags !== 0 ? { unsupported: { major, flags } } : null;
}
