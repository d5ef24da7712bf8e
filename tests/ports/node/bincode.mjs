/**
 * Reads and writes values in bincode's legacy configuration: FMT-1.3, FMT-2.1 to FMT-2.5.
 *
 * Integers of 64 bits are BigInts: a Number is exact to 2^53 only. Every length is compared with
 * what remains before anything is allocated.
 */

import { WalError } from './errors.mjs';

/**
 * @param {Uint8Array} bytes
 * @returns {number} where the first byte stands that is not UTF-8; -1 if all are
 */
export function firstBadByte(bytes) {
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at];
    if (first < 0x80) {
      at += 1;
      continue;
    }
    // How many bytes follow, and the bounds of the second: this shuts out overlong forms,
    // surrogates, and what lies above U+10FFFF.
    let [follow, low, high] = [0, 0x80, 0xbf];
    if (first >= 0xc2 && first <= 0xdf) follow = 1;
    else if (first >= 0xe0 && first <= 0xef) {
      follow = 2;
      if (first === 0xe0) low = 0xa0;
      if (first === 0xed) high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      follow = 3;
      if (first === 0xf0) low = 0x90;
      if (first === 0xf4) high = 0x8f;
    } else return at;
    for (let next = 1; next <= follow; next += 1) {
      const byte = bytes[at + next]; // undefined behind the end: comparisons are then false
      if (!(byte >= low && byte <= high)) return at;
      [low, high] = [0x80, 0xbf];
    }
    at += 1 + follow;
  }
  return -1;
}

export class Reader {
  /** @param {Buffer} bytes */
  constructor(bytes, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
  }

  get remaining() {
    return this.bytes.length - this.offset;
  }

  /** @param {number} size @returns {number} where the value starts that is so long and read now */
  #take(size) {
    if (this.remaining < size) {
      throw new WalError('EndOfBytes', `${size} bytes are needed and ${this.remaining} left`, {
        offset: this.bytes.length,
      });
    }
    this.offset += size;
    return this.offset - size;
  }

  u8() {
    return this.bytes[this.#take(1)];
  }

  u32() {
    return this.bytes.readUInt32LE(this.#take(4));
  }

  u64() {
    return this.bytes.readBigUInt64LE(this.#take(8));
  }

  f64() {
    return this.bytes.readDoubleLE(this.#take(8));
  }

  bool() {
    const tag = this.u8();
    if (tag > 1) throw new WalError('InvalidTag', `${tag} is no bool`, { offset: this.offset - 1 });
    return tag === 1;
  }

  /**
   * @template T
   * @param {() => T} read
   * @returns {T | null}
   */
  option(read) {
    return this.bool() ? read() : null;
  }

  /**
   * A length or a count, of items that take at least `itemBytes` each.
   * @param {number} itemBytes
   * @returns {number}
   */
  length(itemBytes, from = 0n, to = 0xffffffffffffffffn) {
    const length = this.u64();
    if (length * BigInt(itemBytes) > BigInt(this.remaining) || length < from || length > to) {
      const text = `a length of ${length}, and ${this.remaining} bytes are left`;
      throw new WalError('LengthOutOfRange', text, { offset: this.offset - 8 });
    }
    return Number(length);
  }

  text() {
    const length = this.length(1);
    const start = this.#take(length);
    const part = this.bytes.subarray(start, start + length);
    const bad = firstBadByte(part);
    if (bad >= 0) throw new WalError('InvalidText', 'not UTF-8', { offset: start + bad });
    return part.toString('utf8');
  }

  end() {
    if (this.remaining > 0) {
      const text = `${this.remaining} bytes follow the value`;
      throw new WalError('TrailingBytes', text, { offset: this.offset });
    }
  }
}

/** @param {number} value */
export function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** @param {bigint} value */
export function u64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** @param {number} value */
export function f64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** @param {boolean} value */
export const bool = (value) => Buffer.from([value ? 1 : 0]);

/** @param {string} value */
export function text(value) {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([u64(BigInt(bytes.length)), bytes]);
}

/**
 * @template T
 * @param {T | null} value
 * @param {(value: T) => Buffer} write
 */
export const option = (value, write) =>
  value === null ? bool(false) : Buffer.concat([bool(true), write(value)]);
