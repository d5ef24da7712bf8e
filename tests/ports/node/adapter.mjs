#!/usr/bin/env node
/**
 * The adapter: the log of this directory behind the protocol of fault_injection/ports/PROTOCOL.md.
 *
 * A template, too: README.md says how to put another log behind it. What you change is marked with
 * YOURS. An operation that your log does not have you leave out: it is answered with `unsupported`,
 * and reported as skipped. Don't make one up; a stub that answers is found out as a log that lies.
 */

// YOURS: the log, and what is asked of it. All that these calls do has to be done when they return
// (fs.*Sync): a reply that is written before the sync has come back is a promise that nobody kept.
import { fixedChance, realChance } from './chance.mjs';
import { WalError } from './errors.mjs';
import { decodeEvent, encodeEvent } from './events.mjs';
import { decodeJsonEvent, encodeJsonLine } from './json_lines.mjs';
import { parseJson } from './json_text.mjs';
import { byteOperations } from './log_bytes.mjs';
import { BadRequest, decimal, hex, serve } from './protocol.mjs';
import { WriteAheadLog } from './wal.mjs';

// YOURS: claim what you have. Without `bytes` the vectors below an event are not asked for.
const hello = {
  protocol: 1, name: 'wal-node', language: 'JavaScript', version: '1.0',
  capabilities: ['codec', 'log', 'bytes'], limits: {}, issues_url: '',
};

/** @type {(line: string, name: string) => unknown} */
const memberOf = (line, name) => /** @type {any} */ (parseJson(line)).get(name);

/** One log is open at a time. @type {WriteAheadLog | null} */
let log = null;

/** @returns {WriteAheadLog} */
function theLog() {
  if (!log) throw new WalError('WalClosed', 'no log is open');
  return log;
}

/** @param {string} dir @param {Record<string, unknown>} settings */
function openLog(dir, { fixed, ...settings }) {
  if (log) throw new BadRequest('a log is open');
  // `fixed` may be ignored. With it a plan writes the same bytes each time it is replayed.
  const chance = fixed === undefined ? realChance() : fixedChance(BigInt(/** @type {number} */ (fixed)));
  try {
    return new WriteAheadLog(dir, settings, chance);
  } catch (error) {
    if (error instanceof RangeError) throw new BadRequest(error.message); // a setting out of its bounds
    throw error;
  }
}

/** @param {WriteAheadLog} from @param {bigint} after */
const entriesOf = (from, after) =>
  Array.from(from.replay(after), ({ sequence, timestamp, event }) => (
    { sequence: `${sequence}`, timestamp_ns: `${timestamp}`, event: event.toString('hex') }
  ));

/** @param {{ dir: string, settings: Record<string, unknown> }} request */
function recover({ dir, settings }) {
  const opened = openLog(dir, settings);
  try {
    return {
      report: opened.report.toJson(), next_sequence: `${opened.status().nextSequence}`,
      entries: entriesOf(opened, 0n), dead_letters: opened.deadLetters(),
    };
  } finally {
    opened.letGo(); // descriptors and lock only: a close would write, and a crash does not
  }
}

function statusOf() {
  const { nextSequence, acknowledgedThrough, hiddenFrom, segments, usedBytes } = theLog().status();
  return {
    next_sequence: `${nextSequence}`, acknowledged_through: `${acknowledgedThrough}`,
    hidden_from: hiddenFrom === null ? null : `${hiddenFrom}`, segments, used_bytes: `${usedBytes}`,
  };
}

// YOURS: what each operation calls. `fields` and what comes back are the protocol's.
serve({
  hello: { fields: ['protocol'], act: () => hello },
  // JSON.stringify cannot write a memory_usage above 2^53, and JSON.parse rounds it: so the event's
  // text goes out as it is, and comes in through a parser that keeps numbers as they are spelled.
  decode: {
    fields: ['event'], tells: ['offset'],
    act: (r) => ({ json: { rawJson: encodeJsonLine(decodeEvent(hex(r.event))) } }),
  },
  encode: {
    fields: ['json'], tells: ['field', 'line_number'],
    act: (_, line) => ({ event: encodeEvent(decodeJsonEvent(memberOf(line, 'json'), 1)).toString('hex') }),
  },
  open: {
    fields: ['dir', 'settings'],
    act: (r) => { log = openLog(r.dir, r.settings); return { report: log.report.toJson(), log_id: log.logId }; },
  },
  append: { fields: ['event'], act: (r) => ({ sequence: `${theLog().append(hex(r.event))}` }) },
  append_batch: {
    fields: ['events'], tells: ['stored'],
    act: (r) => ({ sequences: theLog().appendBatch(r.events.map(hex)).map(String) }),
  },
  acknowledge: { fields: ['through'], act: (r) => { theLog().acknowledge(decimal(r.through)); return {}; } },
  refuse: {
    fields: ['sequence', 'reason'],
    act: (r) => { theLog().refuse(decimal(r.sequence), r.reason); return {}; },
  },
  replay: { fields: ['after'], act: (r) => ({ entries: entriesOf(theLog(), decimal(r.after)) }) },
  status: { fields: [], act: statusOf },
  close: { fields: [], act: () => { const closed = theLog().close(); log = null; return closed; } },
  recover: { fields: ['dir', 'settings'], act: recover },
  bye: { fields: [], act: () => ({}) },
  ...byteOperations,
}, (error) => {
  // YOURS: what your log throws, under the names of SPEC.md, section 11. Anything else is a defect.
  if (!(error instanceof WalError)) throw error;
  const { stored = [], ...details } = /** @type {{ stored?: bigint[] }} */ (error.details);
  return { ...details, stored: stored.map(String), code: error.code, definite: error.definite, text: error.message };
});
