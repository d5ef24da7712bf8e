/**
 * Reads all files of a log once, in order: which entries there are, what is lost, what was burned.
 * REC-2.1, REC-4.1 to REC-6.3, ACK-3.1, REC-11.1, and the damages of section 10.
 */

import { Account } from './account.mjs';
import { WalError } from './errors.mjs';
import { decodeBody, innerOf, recordsIn } from './frames.mjs';
import { IntervalSet } from './intervals.mjs';
import { scan } from './scan.mjs';
import { BLOCK_BYTES, COPY_BYTES } from './sealed.mjs';
import { Stretches } from './stretches.mjs';

/**
 * @typedef {import('./intervals.mjs').Range} Range
 * @typedef {import('./stretches.mjs').Place} Place
 * @typedef {import('./survey.mjs').Sound} Sound
 *
 * @typedef {object} Segment what is remembered of a file that was read
 * @property {string} name
 * @property {number} number
 * @property {import('./segment_header.mjs').Header} header
 * @property {number} size
 * @property {bigint} floor a record of its own below this is a repeat
 * @property {bigint} end the highest number in it, or before it
 * @property {bigint | null} highest number of a complete frame of its own
 * @property {boolean} hasFrame a complete one
 */

/** What is reported where numbers are lost, by what stands there. */
const LOST_AT = { frame: 'missing-numbers', body: 'damaged-body', region: 'damaged-region' };

export class Reading {
  /**
   * @param {import('./disk.mjs').Disk} disk
   * @param {import('./survey.mjs').Survey} survey
   * @param {import('./report.mjs').Report} report
   * @param {(sequence: bigint, inner: Buffer, reason: string) => boolean} storeLetter
   */
  constructor(disk, survey, report, storeLetter) {
    this.disk = disk;
    this.survey = survey;
    this.report = report;
    this.storeLetter = storeLetter;
    this.account = new Account(survey.acknowledgedThrough);
    this.stretches = new Stretches();
    /** @type {{ place: Place, numbers: Range }[]} */
    this.missingEnds = [];
    /** @type {Segment[]} */
    this.segments = [];
    /** Numbers above the watermark that need no delivery. */
    this.settled = new IntervalSet();
    this.lastUnsettled = this.account.acknowledged;
    /** @type {Map<string, Place>} stretches to be copied aside */
    this.damaged = new Map();
    this.hasBurned = false;
    this.next = 1n;
  }

  run() {
    for (const file of this.survey.files) {
      const place = { file: file.name, offset: 0, length: file.size };
      if (!file.header) this.#unreadable(place);
      else if (!this.survey.segments.includes(/** @type {Sound} */ (file))) {
        this.report.add('foreign-file', place, 'none', null);
      } else this.#segment(/** @type {Sound} */ (file));
    }
    this.#finish();
  }

  /** @param {Place} place */
  #unreadable(place) {
    const count = BigInt(recordsIn(Math.max(place.length - BLOCK_BYTES, 0)));
    const from = this.stretches.end(this.account.expected);
    /** @type {Range[]} */
    const numbers = count > 0n ? [[from, from + count - 1n]] : [];
    this.stretches.pending.push({ kind: 'unreadable-file', place, from, numbers });
  }

  /** @param {Sound} file */
  #segment(file) {
    const { header, name, size } = file;
    this.#startsAt(header, name);
    const segment = {
      name, number: file.number, header, size, floor: this.account.expected, end: 0n, highest: null, hasFrame: false,
    };
    if (file.badCopy !== null) {
      this.report.add('header-copy', { file: name, offset: file.badCopy, length: COPY_BYTES }, 'none', null);
    }
    let isTorn = false;
    const fd = this.disk.openToRead(name);
    try {
      const items = scan(this.disk, fd, header, size);
      let step = items.next();
      for (; !step.done; step = items.next()) {
        this.#item(step.value, segment);
        isTorn ||= step.value.kind === 'tail';
      }
      this.#endsWith(file, step.value, isTorn);
    } finally {
      this.disk.close(fd);
    }
    segment.end = this.account.expected - 1n;
    this.segments.push(segment);
  }

  /** @param {import('./segment_header.mjs').Header} header @param {string} name */
  #startsAt(header, name) {
    const { before, explained } = this.stretches.settleByHeader(header);
    this.#heldNothing(explained);
    const lost = this.account.news([this.account.expected, header.relocatedFrom - 1n]);
    const carrier = before.shift();
    if (carrier?.kind === 'unreadable-file') {
      this.report.add(carrier.kind, carrier.place, 'lost', lost);
    } else if (lost) {
      this.report.add('gap-between-files', carrier?.place ?? { file: name, offset: 0, length: 0 }, 'lost', lost);
      if (carrier) this.#copyAside(carrier.place);
    }
    this.#heldNothing(before);
    this.account.advance(header.relocatedFrom);
  }

  /** @param {import('./stretches.mjs').Stretch[]} stretches */
  #heldNothing(stretches) {
    for (const { kind, place } of stretches) {
      if (kind === 'unreadable-file') this.report.add(kind, place, 'none', null);
    }
  }

  /** @param {import('./scan.mjs').Item} item @param {Segment} segment */
  #item(item, segment) {
    const place = { file: segment.name, offset: item.offset, length: item.length };
    if (item.kind === 'tail') {
      const from = item.numbers[0][0];
      this.stretches.pending.push({ kind: 'tail', place, from, numbers: item.numbers });
      return;
    }
    if (item.kind === 'frame' || item.kind === 'stale') segment.hasFrame = true;
    if (item.kind === 'frame' && !item.isCopy) segment.highest = item.sequence;
    for (const numbers of item.numbers) {
      const kind = LOST_AT[/** @type {'frame' | 'body' | 'region'} */ (item.kind)];
      const length = item.kind === 'frame' ? 0 : item.length;
      this.report.add(kind, { ...place, length }, 'lost', this.account.news(numbers));
      this.account.advance(numbers[1] + 1n);
    }
    if (item.kind === 'body' || item.kind === 'region') {
      if (item.numbers.length === 0) this.report.add(LOST_AT[item.kind], place, 'none', null);
      this.#copyAside(place);
    } else if (item.kind === 'stale' || item.sequence < this.account.expected) {
      const isDeclared = item.kind === 'frame' && item.isCopy;
      if (!isDeclared) this.report.add('stale-frame', place, 'none', null);
    } else {
      if (!item.isCopy) this.#heldNothing(this.stretches.settleAll());
      this.account.advance(item.sequence + 1n);
      if (item.sequence > this.account.acknowledged) this.#entry(item, place);
    }
  }

  /** @param {import('./scan.mjs').Item} item @param {Place} place */
  #entry({ sequence, content }, place) {
    try {
      decodeBody(content, sequence);
      this.report.entries += 1;
    } catch (error) {
      if (!(error instanceof WalError)) throw error;
      const isStored = this.storeLetter(sequence, innerOf(content), `undecodable: ${error.code}`);
      const fate = isStored ? 'dead-lettered' : 'none'; // without its letter it stays in the log
      this.report.add('undecodable-entry', place, fate, [sequence, sequence], error.code);
      if (isStored) return;
    }
    this.settled.add(this.lastUnsettled + 1n, sequence - 1n);
    this.lastUnsettled = sequence;
  }

  /**
   * @param {Sound} file
   * @param {{ next: bigint, isAmongCopies: boolean }} state
   * @param {boolean} isTorn
   */
  #endsWith({ header, name, number, size }, { next, isAmongCopies }, isTorn) {
    const { account, survey: { slot } } = this;
    const isShort = slot?.cleanFile === number && size < slot.cleanLength;
    const through = isAmongCopies ? header.firstSequence : next;
    if (!isAmongCopies || (!isTorn && !isShort)) {
      account.advance(through); // holes at the end of copies are settled numbers
      return;
    }
    if (isShort) {
      const place = { file: name, offset: size, length: 0 };
      this.missingEnds.push({ place, numbers: [next, header.continuesFrom - 1n] });
    }
    account.known.add(header.continuesFrom, header.firstSequence - 1n);
    if (account.expected < through) account.expected = through; // what is missing is not accounted for yet
  }

  #finish() {
    const { account } = this;
    const burned = new IntervalSet();
    let next = this.stretches.end(account.expected);
    this.hasBurned = next > account.expected || this.missingEnds.length > 0;
    const finals = [
      ...this.stretches.pending,
      ...this.missingEnds.map(({ place, numbers }) => ({ kind: 'missing-end', place, numbers: [numbers] })),
    ];
    for (const { kind, place, numbers } of finals) {
      const parts = numbers
        .flatMap((range) => account.known.missing(range))
        .flatMap((range) => burned.missing(range))
        .map((range) => account.unacknowledged(range))
        .filter((part) => part !== null);
      for (const part of parts) this.report.add(kind, place, 'possibly-lost', part);
      if (parts.length === 0 && kind !== 'missing-end') this.report.add(kind, place, 'none', null);
      if (kind === 'tail') this.#copyAside(place);
      for (const [first, last] of numbers) burned.add(first, last);
    }
    const floor = this.survey.slot?.nextSequence ?? 1n;
    const newest = this.survey.segments.at(-1);
    if (newest && floor > next) {
      const part = account.unacknowledged([next, floor - 1n]);
      const place = { file: newest.name, offset: newest.size, length: 0 };
      if (part) this.report.add('missing-end', place, 'possibly-lost', part);
      next = floor;
    }
    if (!newest) next = 1n; // a new log: nothing is burned (REC-5.3)
    this.next = next > account.acknowledged ? next : account.acknowledged + 1n;
    this.settled.add(this.lastUnsettled + 1n, this.next - 1n);
  }

  /** @param {Place} place */
  #copyAside(place) {
    this.damaged.set(`${place.file}@${place.offset}`, place);
  }
}
