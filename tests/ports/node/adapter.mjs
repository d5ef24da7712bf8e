/**
 * The adapter: answers JSON lines for the log in this directory (fault_injection/ports/PROTOCOL.md).
 *
 * A template, too. To put another log behind it, change the imports, `hello`, and what the operations
 * call; what makes a line a request and a result a reply stays. If your log does not have an operation,
 * delete its line: what is not in the table is answered with `unsupported`.
 */


// The log, and what of it is asked for. Everything it calls is synchronous: a reply that is written
// before the sync has returned is a promise that nobody kept.
import { fixedChance, realChance } from './chance.mjs';
import { WalError } from './errors.mjs';
import { decodeEvent, encodeEvent } from './events.mjs';
import { decodeJsonEvent, encodeJsonLine } from './json_lines.mjs';
import { parseJson } from './json_text.mjs';
import { inputLines, toJson, writeLine } from './lines.mjs';
import { logBytes } from './log_bytes.mjs';
import { WriteAheadLog } from './wal.mjs';

const hello = {
  protocol: 1,
  name: 'wal-node',
  language: 'JavaScript',
  version: '1.0',
  capabilities: ['codec', 'log', 'bytes'], // claim only what you have: the rest is skipped, not failed
  limits: {},
  issues_url: '',
};

/** A request that makes no sense; the log is not to blame. */
class BadRequest extends Error {}

/** @type {WriteAheadLog | null} one log is open at a time */
let log = null;
const theLog = () => log ?? raise(new WalError('WalClosed', 'no log is open'));
const raise = (/** @type {Error} */ error) => { throw error; };

// Numbers that may pass 2^53 travel as decimal strings, and are BigInts here. Bytes are hexadecimal.
const hex = (/** @type {string} */ text) => Buffer.from(text, 'hex');
const entries = (/** @type {WriteAheadLog} */ from, after = 0n) =>
  Array.from(from.replay(after), ({ sequence, timestamp, event }) =>
    ({ sequence: `${sequence}`, timestamp_ns: `${timestamp}`, event: event.toString('hex') }));

function openLog(/** @type {string} */ dir, /** @type {any} */ { fixed, ...settings }) {
  if (log) throw new BadRequest('a log is open');
  const chance = fixed === undefined ? realChance() : fixedChance(BigInt(fixed));
  return new WriteAheadLog(dir, settings, chance); // a RangeError of a setting is a BadRequest, below
}

function recover(/** @type {any} */ { dir, settings }) {
  const opened = openLog(dir, settings);
  try {
    const report = opened.report.toJson();
    const next_sequence = `${opened.status().nextSequence}`;
    return { report, next_sequence, entries: entries(opened), dead_letters: opened.deadLetters() };
  } finally {
    opened.letGo(); // not `close`: this is what a crash leaves, and the next open is asked for the same
  }
}

function status() {
  const { nextSequence, acknowledgedThrough, hiddenFrom, segments, usedBytes } = theLog().status();
  return {
    next_sequence: `${nextSequence}`, acknowledged_through: `${acknowledgedThrough}`,
    hidden_from: hiddenFrom === null ? null : `${hiddenFrom}`, segments, used_bytes: `${usedBytes}`,
  };
}

const { crc, frame, header, slot, timestamp, jsonLine, segmentName, segmentNumber } = logBytes;
/** An operation's fields, what it does, and what its errors say besides `code`, `definite` and `text`.
 * @type {Record<string, [fields: string[], act: (request: any, line: string) => any, details?: string[]]>} */
const operations = {
  hello: [['protocol'], () => hello],
  decode: [['event'], ({ event }) => ({ json: { rawJson: encodeJsonLine(decodeEvent(hex(event))) } }), ['offset']],
  // JSON.parse would round a memory_usage above 2^53, so the event is read from the line itself.
  encode: [['json'], (_, line) => ({ event: encodeEvent(decodeJsonEvent(/** @type {any} */ (parseJson(line)).get('json'), 1)).toString('hex') }), ['field', 'line_number']],
  open: [['dir', 'settings'], (r) => ((log = openLog(r.dir, r.settings)), { report: log.report.toJson(), log_id: log.logId })],
  append: [['event'], (r) => ({ sequence: `${theLog().append(hex(r.event))}` })],
  append_batch: [['events'], (r) => ({ sequences: theLog().appendBatch(r.events.map(hex)).map(String) }), ['stored']],
  acknowledge: [['through'], (r) => (theLog().acknowledge(BigInt(r.through)), {})],
  refuse: [['sequence', 'reason'], (r) => (theLog().refuse(BigInt(r.sequence), r.reason), {})],
  replay: [['after'], (r) => ({ entries: entries(theLog(), BigInt(r.after)) })],
  status: [[], status],
  close: [[], () => { const closed = theLog().close(); log = null; return closed; }],
  recover: [['dir', 'settings'], recover],
  bye: [[], () => ({})],
  // The optional capability `bytes`:
  crc: [['bytes', 'continues'], (r) => ({ then: crc(hex(r.bytes), parseInt(r.continues, 16)) })],
  segment_name: [['number'], (r) => ({ then: { name: segmentName(r.number) } })],
  segment_number: [['name'], (r) => ({ then: { number: segmentNumber(r.name) } })],
  header: [['bytes'], (r) => ({ then: header(hex(r.bytes)) })],
  slot: [['bytes'], (r) => ({ then: slot(hex(r.bytes)) })],
  frame: [['bytes', 'file_number', 'salt', 'offset'], (r) => ({ then: frame(hex(r.bytes), hex(r.salt), r.file_number, Number(r.offset)) })],
  timestamp: [['bytes'], (r) => ({ then: timestamp(hex(r.bytes)) }), ['offset']],
  json_line: [['bytes', 'line_number'], (r) => ({ then: jsonLine(hex(r.bytes), r.line_number) }), ['field', 'line_number']],
};

/** @param {string} line @returns {object} the reply, without its `id` */
function answer({ op, ...request }, /** @type {string} */ line) {
  if (!Object.hasOwn(operations, op)) return { unsupported: { capability: op } };
  const [fields, act, names = []] = operations[op];
  try {
    if (Object.keys(request).sort().join() !== ['id', ...fields].sort().join()) throw new BadRequest(`${op} has ${fields}`);
    return { ok: act(request, line) };
  } catch (error) {
    // Only what is expected is a reply. A defect of the log ends the adapter, with its trace on stderr.
    if (error instanceof BadRequest || error instanceof RangeError) return { error: { code: 'BadRequest', definite: true, text: error.message } };
    if (!(error instanceof WalError)) throw error;
    const details = { stored: [], ...error.details };
    const more = names.filter((name) => name in details).map((name) => [name, name === 'stored' ? details.stored.map(String) : details[name]]);
    return { error: { code: error.code, definite: error.definite, text: error.message, ...Object.fromEntries(more) } };
  }
}

for (const line of inputLines()) {
  const request = JSON.parse(line);
  writeLine(toJson({ id: request.id, ...answer(request, line) }));
  if (request.op === 'bye') break;
}
// The end of the input, or `bye`: nothing is closed, for a process that goes away is no clean shutdown.
process.exit(0);
