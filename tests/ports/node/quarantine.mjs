/**
 * Copies damaged stretches aside before anything is changed, and moves whole files: REC-8.1, REC-5.1.
 *
 * Nothing here stops a recovery: what cannot be kept is counted.
 */

import { crc32 } from './crc32.mjs';
import { diskText } from './errors.mjs';

const PIECE_BYTES = 1 << 20;

/**
 * @typedef {import('./disk.mjs').Disk} Disk
 * @typedef {import('./stretches.mjs').Place} Place
 */

/** @param {Disk} disk @param {Place} place @returns {Generator<Buffer>} */
function* pieces(disk, { file, offset, length }) {
  const fd = disk.openToRead(file);
  try {
    for (let done = 0; done < length; ) {
      const piece = disk.read(fd, offset + done, Math.min(PIECE_BYTES, length - done));
      if (piece.length === 0) return;
      yield piece;
      done += piece.length;
    }
  } finally {
    disk.close(fd);
  }
}

/**
 * @param {Disk} disk
 * @param {Iterable<Place>} places
 * @param {{ name: string, size: number }[]} kept copies of earlier opens
 * @param {Record<string, number>} config
 * @param {import('./report.mjs').Report} report
 * @returns {number} bytes of all copies
 */
export function copyAside(disk, places, kept, config, report) {
  const sizes = new Map(kept.map(({ name, size }) => [name, size]));
  const total = () => [...sizes.values()].reduce((sum, size) => sum + size, 0);
  /** @type {string[]} */
  const made = [];
  for (const place of places) {
    try {
      let [crc, isZeros] = [0, true];
      for (const piece of pieces(disk, place)) {
        crc = crc32(piece, crc);
        isZeros &&= piece.every((byte) => byte === 0);
      }
      if (isZeros) continue;
      const name = `${place.file}@${place.offset}+${place.length}-${crc.toString(16).padStart(8, '0')}.quarantine`;
      if (sizes.get(name) === place.length) {
        report.quarantined.add(name);
        continue;
      }
      if (sizes.delete(name)) disk.unlink(name); // half of a copy
      const isFull = sizes.size >= config.quarantine_files_max;
      if (isFull || total() + place.length > config.quarantine_bytes_max) {
        report.notKept += 1;
        continue;
      }
      sizes.set(name, place.length);
      makeCopy(disk, name, place);
      made.push(name);
    } catch (error) {
      diskText(error);
      report.notKept += 1;
    }
  }
  if (made.length > 0) {
    try {
      disk.syncDirectory(); // or the original is unlinked for good and the copy's name is not there
      for (const name of made) report.quarantined.add(name);
    } catch (error) {
      diskText(error);
      report.notKept += made.length;
    }
  }
  return total();
}

/** @param {Disk} disk @param {string} name @param {Place} place */
function makeCopy(disk, name, place) {
  const fd = disk.create(name);
  try {
    let done = 0;
    for (const piece of pieces(disk, place)) {
      disk.write(fd, done, piece);
      done += piece.length;
    }
    disk.sync(fd); // or the original is unlinked for good and the copy is empty
  } finally {
    disk.close(fd);
  }
}

/**
 * @param {Disk} disk
 * @param {string} name
 * @param {'foreign' | 'unreadable'} why
 * @param {import('./report.mjs').Report} report
 */
export function moveAside(disk, name, why, report) {
  for (let count = 1; ; count += 1) {
    const target = `${name}.${why}${count === 1 ? '' : `.${count}`}`;
    try {
      if (disk.exists(target)) continue;
      disk.rename(name, target);
      report.quarantined.add(target);
      disk.syncDirectory(); // or each open finds and reports it again
    } catch (error) {
      diskText(error); // it stays, and the next open tries again
    }
    return;
  }
}
