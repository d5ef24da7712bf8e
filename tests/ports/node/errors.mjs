/**
 * The errors of SPEC.md, section 11, that a log without a connector has.
 *
 * Each says whether it is definite (the operation had no effect and never will have) and whether
 * trying again may help: ERR-1.1.
 */

/** @type {Record<string, [definite: boolean, retryable: boolean]>} */
const TABLE = {
  InvalidEvent: [true, false],
  EventTooLarge: [true, false],
  InvalidJsonLine: [true, false],
  EndOfBytes: [true, false],
  LengthOutOfRange: [true, false],
  InvalidTag: [true, false],
  InvalidText: [true, false],
  NumberOutOfRange: [true, false],
  TrailingBytes: [true, false],
  WalClosed: [true, false],
  LogFailed: [true, false],
  QuotaExceeded: [true, true],
  DiskRejected: [true, true],
  NoSegment: [true, true],
  AppendIndefinite: [false, true],
  SyncFailed: [false, false],
  AcknowledgedBeyondLog: [true, false],
  NotInLog: [true, false],
  DeadLetterFailed: [true, true],
  ReadFailed: [true, true],
  EntriesNotDurable: [true, true],
  Locked: [true, false],
  UnsafeDirectory: [true, false],
  UnsupportedVersion: [true, false],
  DiskUnreadable: [true, false],
};

export class WalError extends Error {
  /**
   * @param {string} code a name of SPEC.md, section 11
   * @param {string} text what happened, with numbers, and what to do next
   * @param {Record<string, unknown>} details `offset`, `field`, `stored` ...
   */
  constructor(code, text, details = {}) {
    super(text);
    this.code = code;
    const [definite, retryable] = TABLE[code];
    this.definite = definite;
    this.retryable = retryable;
    this.details = details;
  }
}

/**
 * What the disk answers is an Error with a `code` like ENOSPC. Anything else is a defect of this
 * program, and must not be taken for a disk that fails.
 * @param {unknown} error
 * @returns {string} its text
 */
export function diskText(error) {
  if (error instanceof Error && 'syscall' in error) return error.message;
  throw error;
}
