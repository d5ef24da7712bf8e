/**
 * A process event, and its encoding: EVT-1.1 to EVT-1.3, FMT-2.1 to FMT-2.7.
 *
 * The log itself stores encoded events and looks into them only to refuse what is none.
 */

import { Reader, bool, f64, option, text, u32, u64 } from './bincode.mjs';
import { WalError } from './errors.mjs';
import { SECONDS_MAX } from './timestamps.mjs';

/**
 * @typedef {object} ProcessEvent
 * @property {number} event_type 0 start, 1 stop, 2 modify
 * @property {number} pid
 * @property {number | null} ppid
 * @property {string} name
 * @property {string | null} executable_path
 * @property {string[]} command_line
 * @property {bigint | null} start_time nanoseconds
 * @property {number | null} cpu_usage
 * @property {bigint | null} memory_usage
 * @property {string | null} executable_hash
 * @property {string | null} hash_algorithm
 * @property {string | null} user_id
 * @property {boolean} accessible
 * @property {boolean} file_exists
 * @property {bigint} timestamp nanoseconds
 * @property {string | null} platform_metadata
 */

/** @param {Reader} reader */
function readSystemTime(reader) {
  const offset = reader.offset;
  const [seconds, nanoseconds] = [reader.u64(), reader.u32()];
  if (seconds > SECONDS_MAX) throw new WalError('NumberOutOfRange', `${seconds} s`, { offset });
  if (nanoseconds >= 1_000_000_000) {
    throw new WalError('NumberOutOfRange', `${nanoseconds} ns`, { offset: offset + 8 });
  }
  return seconds * 1_000_000_000n + BigInt(nanoseconds);
}

/** @param {Reader} reader */
function readFinite(reader) {
  const value = reader.f64();
  if (!Number.isFinite(value)) {
    throw new WalError('NumberOutOfRange', `${value}`, { offset: reader.offset - 8 });
  }
  return value;
}

/**
 * @param {Reader} reader
 * @returns {ProcessEvent}
 */
export function readEvent(reader) {
  const event_type = reader.u32();
  if (event_type > 2) {
    throw new WalError('InvalidTag', `event type ${event_type}`, { offset: reader.offset - 4 });
  }
  const string = () => reader.text();
  const pid = reader.u32();
  const ppid = reader.option(() => reader.u32());
  const name = reader.text();
  const executable_path = reader.option(string);
  const command_line = Array.from({ length: reader.length(8) }, string);
  const start_time = reader.option(() => readSystemTime(reader));
  const cpu_usage = reader.option(() => readFinite(reader));
  const memory_usage = reader.option(() => reader.u64());
  const hash_tag = reader.offset;
  const executable_hash = reader.option(string);
  const hash_algorithm = reader.option(string);
  if ((executable_hash === null) !== (hash_algorithm === null)) {
    throw new WalError('InvalidTag', 'a hash without its algorithm', { offset: hash_tag });
  }
  const user_id = reader.option(string);
  const accessible = reader.bool();
  const file_exists = reader.bool();
  const timestamp = readSystemTime(reader);
  const platform_metadata = reader.option(string);
  return {
    event_type, pid, ppid, name, executable_path, command_line, start_time, cpu_usage,
    memory_usage, executable_hash, hash_algorithm, user_id, accessible, file_exists, timestamp,
    platform_metadata,
  };
}

/**
 * @param {Buffer} bytes
 * @returns {ProcessEvent}
 */
export function decodeEvent(bytes) {
  const reader = new Reader(bytes);
  const event = readEvent(reader);
  reader.end();
  return event;
}

/** @param {bigint} nanoseconds */
const systemTime = (nanoseconds) =>
  Buffer.concat([u64(nanoseconds / 1_000_000_000n), u32(Number(nanoseconds % 1_000_000_000n))]);

/** @param {ProcessEvent} event whose values are within EVT-1.2 (json_lines.mjs sees to that) */
export function encodeEvent(event) {
  return Buffer.concat([
    u32(event.event_type),
    u32(event.pid),
    option(event.ppid, u32),
    text(event.name),
    option(event.executable_path, text),
    u64(BigInt(event.command_line.length)),
    ...event.command_line.map(text),
    option(event.start_time, systemTime),
    option(event.cpu_usage, f64),
    option(event.memory_usage, u64),
    option(event.executable_hash, text),
    option(event.hash_algorithm, text),
    option(event.user_id, text),
    bool(event.accessible),
    bool(event.file_exists),
    systemTime(event.timestamp),
    option(event.platform_metadata, text),
  ]);
}
