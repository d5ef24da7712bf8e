/**
 * What every adapter in JavaScript needs of the protocol, and nothing of a log: lines, JSON, the form
 * of a reply. Copy it as it is.
 *
 * Everything is synchronous. Node's own streams write when the event loop gets to it, and read ahead in
 * another thread: then the place of a reply among the system calls, which is the promise, says nothing.
 */

import fs from 'node:fs';

const CHUNK_BYTES = 1 << 16;

/** A request that makes no sense: the log is not to blame. */
export class BadRequest extends Error {}

/**
 * Bytes travel as hexadecimal. Buffer.from alone would stop at the first letter that is none, and say nothing.
 * @param {unknown} text @returns {Buffer}
 */
export function hex(text) {
  if (typeof text !== 'string' || text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) {
    throw new BadRequest('bytes are lowercase hexadecimal');
  }
  return Buffer.from(text, 'hex');
}

/**
 * Numbers that may pass 2^53 travel as decimal strings: Number('18446744073709486080') would be another one.
 * @param {unknown} text @returns {bigint}
 */
export function decimal(text) {
  if (typeof text !== 'string' || !/^\d+$/.test(text)) throw new BadRequest('a sequence is a decimal string');
  return BigInt(text);
}

/**
 * @typedef {object} Operation
 * @property {string[]} fields that its request has, besides `id` and `op`
 * @property {(request: any, line: string) => object} act returns what stands in `ok`
 * @property {string[]} [tells] what its errors say besides `code`, `definite` and `text`
 *
 * @typedef {Record<string, unknown> & { code: string, definite: boolean, text: string }} Refusal
 */

/**
 * Answer each line, until `bye` or the end of the input; then end the process, with nothing closed:
 * a process that goes away is no clean shutdown.
 * @param {Record<string, Operation>} operations
 * @param {(error: unknown) => Refusal} refusalOf what the log threw, as a reply; throws what it did
 *   not expect, so that a defect ends the adapter with its trace on standard error
 */
export function serve(operations, refusalOf) {
  for (const line of inputLines()) {
    const { id, op, ...request } = JSON.parse(line);
    const operation = Object.hasOwn(operations, op) ? operations[op] : undefined;
    writeLine(toJson({ id, ...answer(operation, op, request, line) }));
    if (op === 'bye') break;
  }
  process.exit(0);

  /** @param {Operation | undefined} operation @param {string} op @param {object} request @param {string} line */
  function answer(operation, op, request, line) {
    if (!operation) return { unsupported: { capability: op } };
    try {
      if (Object.keys(request).sort().join() !== [...operation.fields].sort().join()) {
        throw new BadRequest(`${op} has the fields ${operation.fields}`);
      }
      return { ok: operation.act(request, line) };
    } catch (error) {
      if (error instanceof BadRequest) {
        return { error: { code: 'BadRequest', definite: true, text: error.message } };
      }
      const { code, definite, text, ...more } = refusalOf(error);
      const told = Object.entries(more).filter(([name]) => operation.tells?.includes(name));
      return { error: { code, definite, text, ...Object.fromEntries(told) } };
    }
  }
}

/** A pipe that somebody made non-blocking answers EAGAIN. @param {unknown} error */
function pause(error) {
  if (/** @type {any} */ (error).code !== 'EAGAIN') throw error;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

/** @returns {Generator<string>} each line, without its newline */
function* inputLines() {
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
    const read = chunk.subarray(0, count);
    let start = 0;
    for (let end = read.indexOf(10); end >= 0; end = read.indexOf(10, start)) {
      yield Buffer.concat([...parts, read.subarray(start, end)]).toString('utf8');
      [parts, start] = [[], end + 1];
    }
    parts.push(Buffer.from(read.subarray(start)));
  }
}

/**
 * JSON text; `{ rawJson: text }` stands for a text that is JSON already (Node 20 has no JSON.rawJSON).
 * @param {any} value
 * @returns {string}
 */
function toJson(value) {
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if ('rawJson' in value) return value.rawJson;
  const members = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}:${toJson(each)}`);
  return `{${members.join(',')}}`;
}

/** One write for a line, if the pipe takes it. @param {string} line */
function writeLine(line) {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(1, rest));
    } catch (error) {
      pause(error);
    }
  }
}
