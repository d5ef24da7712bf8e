/**
 * What files there are, whose they are, and what the acknowledgement file says; nothing is changed,
 * but for a salvage or a swap that was begun before, which is completed first: REC-1.2, REC-5.1 to
 * REC-5.3, ACK-1.2, ACK-4.1, CLI-3.1.
 */

import { decodeSlots, newestSlot } from './ack_slot.mjs';
import { WalError } from './errors.mjs';
import { recordsIn } from './frames.mjs';
import { ACK_NAME, ACK_NEW_NAME, DEAD_NAME, kindOfName, segmentNumber } from './names.mjs';
import { BLOCK_BYTES } from './sealed.mjs';
import { NO_LOG_ID, decodeBlock } from './segment_header.mjs';

/**
 * @typedef {import('./segment_header.mjs').Header} Header
 * @typedef {import('./disk.mjs').Disk} Disk
 * @typedef {{ name: string, number: number, size: number, header: Header | null,
 *   badCopy: number | null }} File
 * @typedef {File & { header: Header }} Sound
 *
 * @typedef {object} Survey
 * @property {string | null} logId null: no header carries one
 * @property {string} previousLogId
 * @property {File[]} files all segments but leftovers, in the order of their numbers
 * @property {Sound[]} segments those of this log with a usable header
 * @property {number} highestNumber of all usable headers
 * @property {string[]} leftovers
 * @property {string[]} ignored
 * @property {{ name: string, size: number }[]} quarantine copies
 * @property {number} deadBytes size of the dead-letter file
 * @property {number | null} ackBytes null: there is no such regular file
 * @property {boolean} isAckNameFree
 * @property {(import('./ack_slot.mjs').Slot | null)[]} slots which are usable and of this log
 * @property {import('./ack_slot.mjs').Slot | null} slot the one that counts
 * @property {bigint} acknowledgedThrough
 */

/** @param {Disk} disk */
function completeWhatWasBegun(disk) {
  const listed = disk.list();
  const names = new Set(listed.map(({ name }) => name));
  for (const { name, isRegular } of listed) {
    const target = name.replace(/\.salvaged$/, '');
    if (kindOfName(name) !== 'salvaged' || !isRegular || names.has(target)) continue;
    disk.rename(name, target);
    disk.syncDirectory(); // or the next recovery may stand on a name that a power cut takes back
  }
  const swap = listed.find(({ name, isRegular }) => name === ACK_NEW_NAME && isRegular);
  if (!swap || names.has(ACK_NAME)) return;
  if (decodeSlots(disk.readFile(ACK_NEW_NAME, BLOCK_BYTES)).includes(null)) return;
  disk.rename(ACK_NEW_NAME, ACK_NAME);
  disk.syncDirectory(); // it has the floor: numbers must not depend on a name that may go
}

/** @param {Disk} disk @param {import('./disk.mjs').Listed} listed @returns {File} */
function readHeader(disk, { name, size }) {
  const number = /** @type {number} */ (segmentNumber(name));
  const fd = disk.openToRead(name);
  try {
    const { unsupported, ...found } = decodeBlock(disk.read(fd, 0, BLOCK_BYTES), number);
    if (unsupported) throw new WalError('UnsupportedVersion', `${name}: ${unsupported}`);
    return { name, number, size: disk.size(fd), ...found };
  } finally {
    disk.close(fd);
  }
}

/**
 * Take interrupted rotations off the end of `files`: REC-5.2.
 * @param {File[]} files
 * @param {Set<string>} named by the acknowledgement file
 */
function takeLeftovers(files, named) {
  const leftovers = [];
  for (;;) {
    const newest = files.at(-1);
    if (!newest || newest.size > BLOCK_BYTES) break;
    if (newest.header) {
      const before = files.slice(0, -1).reverse().find(({ header }) => header)?.header;
      const ids = [newest.header.logId, newest.header.previousLogId];
      if (!before || ids.includes(before.logId) || named.has(ids[0])) break;
    }
    leftovers.push(newest.name);
    files.pop();
  }
  return leftovers;
}

/** The identities that a log has had. @param {string} logId @param {Sound[]} sound */
function chainOf(logId, sound) {
  const chain = new Set([logId]);
  for (let count = 0; count < chain.size; ) {
    count = chain.size;
    for (const { header } of sound) {
      if (chain.has(header.logId) && header.previousLogId !== NO_LOG_ID) chain.add(header.previousLogId);
    }
  }
  return chain;
}

/**
 * The watermark where slots are missing: what is older than the oldest file was deleted, and
 * deleted is only what is settled (ACK-1.2).
 * @param {Sound[]} segments @param {File[]} files
 */
function inferredWatermark(segments, files) {
  const oldest = segments.find(({ size }) => size > BLOCK_BYTES) ?? segments.at(-1);
  if (!oldest) return 0n;
  let through = oldest.header.relocatedFrom - 1n;
  for (const { header, number, size } of files) {
    if (!header && number < oldest.number) through -= BigInt(recordsIn(Math.max(size - BLOCK_BYTES, 0)));
  }
  return through;
}

/** @param {Disk} disk @returns {Survey} */
export function survey(disk) {
  completeWhatWasBegun(disk);
  const listed = disk.list();
  /** @type {string[][]} */
  const [ignored, leftovers] = [[], []];
  const quarantine = [];
  /** @type {File[]} */
  const files = [];
  for (const each of listed) {
    const kind = kindOfName(each.name);
    if (kind === 'other' || !each.isRegular) ignored.push(each.name);
    else if (kind === 'segment') files.push(readHeader(disk, each));
    else if (kind === 'unfinished' || each.name === ACK_NEW_NAME) leftovers.push(each.name);
    else if (kind === 'quarantine') quarantine.push({ name: each.name, size: each.size });
  }
  files.sort((left, right) => left.number - right.number);

  const ack = listed.find(({ name, isRegular }) => name === ACK_NAME && isRegular);
  const read = decodeSlots(ack ? disk.readFile(ACK_NAME, BLOCK_BYTES) : Buffer.alloc(0));
  leftovers.push(...takeLeftovers(files, new Set(read.map((slot) => slot?.logId ?? ''))));

  const sound = /** @type {Sound[]} */ (files.filter(({ header }) => header));
  const newest = sound.at(-1)?.header;
  const chain = newest ? chainOf(newest.logId, sound) : new Set();
  const segments = sound.filter(({ header }) => chain.has(header.logId));
  const slots = read.map((slot) => (slot && chain.has(slot.logId) ? slot : null));
  const slot = newestSlot(slots);
  let acknowledgedThrough = slot?.acknowledgedThrough ?? 0n;
  if (slots.includes(null)) {
    const inferred = inferredWatermark(segments, files);
    if (inferred > acknowledgedThrough) acknowledgedThrough = inferred;
  }
  return {
    logId: newest?.logId ?? null,
    previousLogId: newest && newest.previousLogId !== NO_LOG_ID ? newest.previousLogId : '',
    files,
    segments,
    highestNumber: sound.at(-1)?.number ?? 0,
    leftovers,
    ignored,
    quarantine,
    deadBytes: listed.find(({ name, isRegular }) => name === DEAD_NAME && isRegular)?.size ?? 0,
    ackBytes: ack?.size ?? null,
    isAckNameFree: !listed.some(({ name }) => name === ACK_NAME),
    slots,
    slot,
    acknowledgedThrough,
  };
}
