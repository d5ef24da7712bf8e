/**
 * One record of a segment: a header of 20 bytes, and a body. FMT-5.1 to FMT-5.4.
 */

import { Reader, u64 } from './bincode.mjs';
import { crc32 } from './crc32.mjs';
import { WalError } from './errors.mjs';
import { readEvent } from './events.mjs';
import { SEQUENCE_MAX } from './segment_header.mjs';
import { encodeTime, readTime } from './timestamps.mjs';

export const FRAME_HEADER_BYTES = 20;
export const BODY_BYTES_MIN = 87;
export const BODY_BYTES_MAX = 2 ** 20;
export const FRAME_BYTES_MIN = FRAME_HEADER_BYTES + BODY_BYTES_MIN;
export const FRAME_BYTES_MAX = FRAME_HEADER_BYTES + BODY_BYTES_MAX;

/** How many records so many bytes may have held at most. @param {number} bytes */
export const recordsIn = (bytes) => Math.ceil(bytes / FRAME_BYTES_MIN);

/** What ties the frames of a file to it: salt and file number. */
export class FrameKey {
  /** @param {Buffer} salt @param {number} fileNumber */
  constructor(salt, fileNumber) {
    const number = Buffer.alloc(4);
    number.writeUInt32LE(fileNumber);
    this.tied = crc32(number, crc32(salt));
    const word = salt.subarray(0, 4);
    // Zeros would make a block that was never written look like a sync word.
    this.syncWord = word.readUInt32LE(0) === 0 ? Buffer.alloc(4, 0xff) : Buffer.from(word);
  }

  /**
   * @param {Buffer} header its first 16 bytes count
   * @param {number} offset of the frame in its file
   */
  headerCrc(header, offset) {
    const place = crc32(u64(BigInt(offset)), this.tied);
    return crc32(header.subarray(0, 16), place);
  }

  /**
   * @param {Buffer} bytes that begin with the header
   * @param {number} offset of the frame in its file
   * @returns {{ sequence: bigint, bodyBytes: number, crc: number } | null} null: does not verify
   */
  header(bytes, offset) {
    if (bytes.length < FRAME_HEADER_BYTES) return null;
    for (let at = 0; at < 4; at += 1) if (bytes[at] !== this.syncWord[at]) return null;
    const crc = this.headerCrc(bytes, offset);
    if (crc !== bytes.readUInt32LE(16)) return null;
    const bodyBytes = bytes.readUInt32LE(4);
    const sequence = bytes.readBigUInt64LE(8);
    if (bodyBytes < BODY_BYTES_MIN || bodyBytes > BODY_BYTES_MAX) return null;
    if (sequence < 1n || sequence > SEQUENCE_MAX) return null;
    return { sequence, bodyBytes, crc };
  }

  /**
   * @param {number} offset where the frame will stand
   * @param {bigint} sequence
   * @param {Buffer} inner timestamp and event as encoded: what of a body depends on no place
   */
  encode(offset, sequence, inner) {
    const frame = Buffer.alloc(FRAME_HEADER_BYTES + 8 + inner.length + 4);
    this.syncWord.copy(frame, 0);
    frame.writeUInt32LE(frame.length - FRAME_HEADER_BYTES, 4);
    frame.writeBigUInt64LE(sequence, 8);
    const crc = this.headerCrc(frame, offset);
    frame.writeUInt32LE(crc, 16);
    frame.writeBigUInt64LE(sequence, 20);
    inner.copy(frame, 28);
    frame.writeUInt32LE(crc32(frame.subarray(20, -4), crc), frame.length - 4);
    return frame;
  }
}

/** @param {Buffer} body @param {number} headerCrc */
export const bodyVerifies = (body, headerCrc) =>
  crc32(body.subarray(0, -4), headerCrc) === body.readUInt32LE(body.length - 4);

/** Timestamp and event of a body, as encoded. @param {Buffer} body */
export const innerOf = (body) => body.subarray(8, -4);

/** @param {bigint} timestamp @param {Buffer} event */
export const encodeInner = (timestamp, event) => Buffer.concat([encodeTime(timestamp), event]);

/**
 * @param {Buffer} body
 * @param {bigint} sequence that of the frame's header
 * @returns {{ timestamp: bigint, event: import('./events.mjs').ProcessEvent, encoded: Buffer }}
 * @throws {WalError} a DecodeError; its offset counts from the start of the body
 */
export function decodeBody(body, sequence) {
  const reader = new Reader(body);
  if (reader.u64() !== sequence) {
    throw new WalError('NumberOutOfRange', 'not the sequence of the header', { offset: 0 });
  }
  const timestamp = readTime(reader);
  const start = reader.offset;
  const event = readEvent(reader);
  const end = reader.offset;
  reader.u32(); // the crc32: EndOfBytes if the event runs into it
  if (reader.remaining > 0) {
    throw new WalError('TrailingBytes', `${reader.remaining} bytes too many`, { offset: end });
  }
  return { timestamp, event, encoded: body.subarray(start, end) };
}
