/**
 * Lines of standard input, and JSON to standard output, synchronously.
 *
 * Node's own streams write when the event loop gets to it, and standard input would be read ahead by
 * another thread: then the place of a reply among the system calls says nothing.
 */

import fs from 'node:fs';

const CHUNK_BYTES = 1 << 16;

/** A pipe that was made non-blocking answers EAGAIN. @param {unknown} error */
function pause(error) {
  if (/** @type {any} */ (error).code !== 'EAGAIN') throw error;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

/** @returns {Generator<string>} each line, without its newline */
export function* inputLines() {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  /** @type {Buffer[]} */
  let parts = [];
  for (;;) {
    let count;
    try {
      count = fs.readSync(0, chunk, 0, CHUNK_BYTES, null);
    } catch (error) {
      pause(error);
      continue;
    }
    if (count === 0) return;
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0 && end < count; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8');
      [parts, start] = [[], end + 1];
    }
    if (start < count) parts.push(Buffer.from(chunk.subarray(start, count)));
  }
}

/**
 * JSON text; `{ rawJson: text }` stands for a text that is JSON already (Node 20 has no JSON.rawJSON).
 * @param {any} value
 * @returns {string}
 */
export function toJson(value) {
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if ('rawJson' in value) return value.rawJson;
  const members = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}:${toJson(each)}`);
  return `{${members.join(',')}}`;
}

/** One write for a line, if the pipe takes it. @param {string} line */
export function writeLine(line) {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(1, rest));
    } catch (error) {
      pause(error);
    }
  }
}
