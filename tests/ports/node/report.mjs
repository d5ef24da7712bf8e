/**
 * What an open found: the RecoveryReport and its published JSON form. REP-1.1, REP-1.3.
 */

/**
 * @typedef {import('./intervals.mjs').Range} Range
 *
 * @typedef {object} Damage
 * @property {string} kind
 * @property {string} file
 * @property {number} offset
 * @property {number} length
 * @property {'lost' | 'possibly-lost' | 'dead-lettered' | 'none'} fate
 * @property {Range | null} numbers
 * @property {string} detail
 */

const LISTED_MAX = 1000;

export class Report {
  constructor() {
    this.logId = '';
    this.previousLogId = '';
    this.cleanShutdown = false;
    this.segments = 0;
    this.entries = 0;
    this.acknowledgedThrough = 0n;
    this.nextSequence = 1n;
    this.sums = { lost: 0n, 'possibly-lost': 0n, 'dead-lettered': 0n, none: 0n };
    /** @type {Damage[]} */
    this.damages = [];
    this.notListed = 0;
    /** @type {string[]} */
    this.ignored = [];
    /** @type {string[]} */
    this.removed = [];
    /** @type {Set<string>} */
    this.quarantined = new Set();
    this.notKept = 0;
    this.degraded = '';
  }

  /**
   * @param {string} kind
   * @param {{ file: string, offset: number, length: number }} place
   * @param {Damage['fate']} fate what became of the numbers, if there are any
   * @param {Range | null} numbers
   */
  add(kind, { file, offset, length }, fate, numbers, detail = '') {
    if (numbers) this.sums[fate] += numbers[1] - numbers[0] + 1n;
    if (this.damages.length === LISTED_MAX) {
      this.notListed += 1; // rot must not fill the memory: the sums stay right
      return;
    }
    const damage = { kind, file, offset, length, fate, numbers, detail };
    if (!numbers) damage.fate = 'none';
    this.damages.push(damage);
  }

  toJson() {
    return {
      log_id: this.logId,
      previous_log_id: this.previousLogId,
      clean_shutdown: this.cleanShutdown,
      segments: this.segments,
      entries: this.entries,
      acknowledged_through: String(this.acknowledgedThrough),
      next_sequence: String(this.nextSequence),
      lost: String(this.sums.lost),
      possibly_lost: String(this.sums['possibly-lost']),
      dead_lettered: String(this.sums['dead-lettered']),
      damages: this.damages.map((damage) => ({
        kind: damage.kind,
        file: damage.file,
        offset: damage.offset,
        length_bytes: damage.length,
        fate: damage.fate,
        first_sequence: damage.numbers ? String(damage.numbers[0]) : null,
        sequence_count: String(damage.numbers ? damage.numbers[1] - damage.numbers[0] + 1n : 0n),
        detail: damage.detail,
      })),
      damages_not_listed: this.notListed,
      ignored: [...this.ignored].sort(),
      removed: [...this.removed].sort(),
      quarantined: [...this.quarantined].sort(),
      not_kept: this.notKept,
      degraded: this.degraded,
      live: false,
    };
  }
}
