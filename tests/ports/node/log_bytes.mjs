/**
 * The capability `bytes`: what lies below an event, in the spelling of tests/vectors/README.md.
 */

import { decodeSlot, slotOffset } from './ack_slot.mjs';
import { Reader } from './bincode.mjs';
import { crc32 } from './crc32.mjs';
import { WalError } from './errors.mjs';
import { encodeEvent } from './events.mjs';
import { FRAME_HEADER_BYTES, FrameKey, bodyVerifies, decodeBody } from './frames.mjs';
import { decodeJsonLine, encodeJsonLine } from './json_lines.mjs';
import { segmentName, segmentNumber } from './names.mjs';
import { hex } from './protocol.mjs';
import { decodeCopy } from './segment_header.mjs';
import { encodeTime, formatTime, readTime } from './timestamps.mjs';

/** @param {number} crc */
const digits = (crc) => crc.toString(16).padStart(8, '0');
const raw = (/** @type {string} */ json) => ({ rawJson: json });

/** An event as vectors spell it: a JSON line whose `memory_usage` is a string. */
const vectorEvent = (/** @type {import('./events.mjs').ProcessEvent} */ event) =>
  raw(encodeJsonLine(event).replace(/,"memory_usage":(\d+),"executable_hash":/, (_, number) =>
    `,"memory_usage":"${number}","executable_hash":`));

/** @param {Buffer} bytes @param {Buffer} salt @param {number} fileNumber @param {number} offset */
function frame(bytes, salt, fileNumber, offset) {
  const key = new FrameKey(salt, fileNumber);
  if (bytes.length < FRAME_HEADER_BYTES) return { verdict: 'incomplete' };
  const found = key.header(bytes, offset);
  if (!found) return { verdict: 'bad-header' };
  const what = { sequence: String(found.sequence), body_bytes: found.bodyBytes };
  if (bytes.length < FRAME_HEADER_BYTES + found.bodyBytes) return { verdict: 'incomplete', ...what };
  const body = bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + found.bodyBytes);
  if (!bodyVerifies(body, found.crc)) return { verdict: 'bad-body', ...what };
  try {
    const { timestamp, event } = decodeBody(body, found.sequence);
    const texts = { timestamp: formatTime(timestamp), event: vectorEvent(event) };
    return { verdict: 'good', ...what, ...texts };
  } catch (error) {
    if (!(error instanceof WalError)) throw error;
    return { verdict: 'undecodable', ...what, error: error.code, offset: error.details.offset };
  }
}

/** @param {Buffer} bytes */
function header(bytes) {
  const copy = decodeCopy(bytes);
  if (!('header' in copy)) return copy;
  const { fileNumber, logId, previousLogId, salt, ...numbers } = copy.header;
  return {
    header: {
      file_number: fileNumber,
      log_id: logId,
      previous_log_id: previousLogId,
      salt: salt.toString('hex'),
      relocated_from: String(numbers.relocatedFrom),
      continues_from: String(numbers.continuesFrom),
      first_sequence: String(numbers.firstSequence),
    },
    sync_word: new FrameKey(salt, fileNumber).syncWord.toString('hex'),
  };
}

/** @param {Buffer} bytes */
function slot(bytes) {
  const found = decodeSlot(bytes);
  if (!found) return { fault: 'unusable' };
  return {
    slot: {
      generation: String(found.generation),
      log_id: found.logId,
      acknowledged_through: String(found.acknowledgedThrough),
      next_sequence: String(found.nextSequence),
      clean_file: found.cleanFile,
      clean_length: String(found.rawCleanLength),
    },
    stands_at: slotOffset(found.generation),
  };
}

/** @param {Buffer} bytes */
function timestamp(bytes) {
  const reader = new Reader(bytes);
  const time = readTime(reader);
  reader.end();
  const encoded = encodeTime(time).toString('hex');
  return { value: formatTime(time), nanoseconds: String(time), encoded };
}

/** @param {Buffer} bytes @param {number} lineNumber */
function jsonLine(bytes, lineNumber) {
  const event = decodeJsonLine(bytes, lineNumber);
  const line = encodeJsonLine(event);
  return { event: vectorEvent(event), encoded: encodeEvent(event).toString('hex'), line };
}

/** Their place in the adapter's table. @type {Record<string, import('./protocol.mjs').Operation>} */
export const byteOperations = {
  crc: {
    fields: ['bytes', 'continues'],
    act: (r) => ({ then: { crc: digits(crc32(hex(r.bytes), Number.parseInt(r.continues, 16))) } }),
  },
  segment_name: { fields: ['number'], act: (r) => ({ then: { name: segmentName(r.number) } }) },
  segment_number: { fields: ['name'], act: (r) => ({ then: { number: segmentNumber(r.name) } }) },
  header: { fields: ['bytes'], act: (r) => ({ then: header(hex(r.bytes)) }) },
  slot: { fields: ['bytes'], act: (r) => ({ then: slot(hex(r.bytes)) }) },
  frame: {
    fields: ['bytes', 'file_number', 'salt', 'offset'],
    act: (r) => ({ then: frame(hex(r.bytes), hex(r.salt), r.file_number, Number(r.offset)) }),
  },
  timestamp: { fields: ['bytes'], act: (r) => ({ then: timestamp(hex(r.bytes)) }), tells: ['offset'] },
  json_line: {
    fields: ['bytes', 'line_number'],
    act: (r) => ({ then: jsonLine(hex(r.bytes), r.line_number) }),
    tells: ['field', 'line_number'],
  },
};
