/**
 * CRC-32 as in IEEE 802.3, which can be continued: FMT-1.2.
 *
 * Not CRC-32C, which some processors have an instruction for: that is another function.
 */

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  return value;
});

/**
 * @param {Uint8Array} bytes
 * @param {number} continues the CRC of the bytes before these; 0 if there are none
 * @returns {number} an unsigned 32-bit number
 */
export function crc32(bytes, continues = 0) {
  let value = ~continues;
  for (let at = 0; at < bytes.length; at += 1) {
    value = TABLE[(value ^ bytes[at]) & 0xff] ^ (value >>> 8);
  }
  return ~value >>> 0; // `>>> 0`: JavaScript's bit operations have a sign
}
