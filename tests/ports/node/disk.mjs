/**
 * The calls that the log makes of its directory, and no others: DSK-1.1, DSK-1.2, WAL-4.1.
 *
 * All are synchronous: when one returns, the kernel has done it, so promises are in the order of
 * the program. Each throws what the kernel says, an Error with a `code`. Symbolic links are never
 * followed; Node opens every file with O_CLOEXEC. A reader's descriptor is closed by who opened it.
 */

import fs from 'node:fs';
import path from 'node:path';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } = fs.constants;

/** @typedef {{ name: string, size: number, isRegular: boolean }} Listed */

export class Disk {
  /** @param {string} directory */
  constructor(directory) {
    this.directory = directory;
    this.isSyncPending = false;
  }

  /** @param {string} name */
  #path(name) {
    return path.join(this.directory, name);
  }

  /** @returns {Listed[]} sorted by name */
  list() {
    const names = fs.readdirSync(this.directory).sort();
    return names.map((name) => {
      const found = fs.lstatSync(this.#path(name)); // lstat: a link is no regular file
      return { name, size: found.size, isRegular: found.isFile() };
    });
  }

  /** @param {string} name */
  exists(name) {
    return fs.lstatSync(this.#path(name), { throwIfNoEntry: false }) !== undefined;
  }

  /** Create a file that was not there. @param {string} name @returns {number} */
  create(name) {
    return fs.openSync(this.#path(name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  }

  /** @param {string} name @returns {number} */
  openToRead(name) {
    return fs.openSync(this.#path(name), O_RDONLY | O_NOFOLLOW);
  }

  /** @param {string} name @returns {number} */
  openToWrite(name) {
    return fs.openSync(this.#path(name), O_RDWR | O_NOFOLLOW);
  }

  /** @param {number} fd */
  close(fd) {
    fs.closeSync(fd);
  }

  /** @param {number} fd */
  size(fd) {
    return fs.fstatSync(fd).size;
  }

  /**
   * As much as there is of `length` bytes.
   * @param {number} fd @param {number} offset @param {number} length
   */
  read(fd, offset, length) {
    const bytes = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const count = fs.readSync(fd, bytes, done, length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  /** A file, or as much of its start. @param {string} name */
  readFile(name, most = Infinity) {
    const fd = this.openToRead(name);
    try {
      return this.read(fd, 0, Math.min(this.size(fd), most));
    } finally {
      this.close(fd);
    }
  }

  /**
   * Write all of `bytes`. A short write is continued, and EINTR retried, inside of libuv (WAL-4.1):
   * if Node says that less was written, an error followed that is not told. So it is one here. To
   * write on would succeed where the error has passed, and hide that a disk has failed.
   * @param {number} fd @param {number} offset @param {Buffer} bytes
   */
  write(fd, offset, bytes) {
    const count = fs.writeSync(fd, bytes, 0, bytes.length, offset);
    if (count < bytes.length) {
      const text = `${count} of ${bytes.length} bytes were written, and then there was an error`;
      throw Object.assign(new Error(text), { code: 'EIO', syscall: 'write' });
    }
  }

  /** @param {number} fd @param {number} length */
  truncate(fd, length) {
    fs.ftruncateSync(fd, length);
  }

  /** Make the bytes of a file and its size durable. @param {number} fd */
  sync(fd) {
    fs.fdatasyncSync(fd); // it leaves out times alone; the size is needed to read, so it is kept
  }

  /** Make the names of the directory durable. */
  syncDirectory() {
    this.isSyncPending = true;
    const fd = fs.openSync(this.directory, O_RDONLY | O_DIRECTORY);
    try {
      fs.fsyncSync(fd); // without it a power cut takes back creations, renames and unlinks
    } finally {
      fs.closeSync(fd);
    }
    this.isSyncPending = false;
  }

  /**
   * Rename, and fail with EEXIST where the new name is taken. Node has no renameat2; a second name
   * and then one less comes to the same: a power cut may leave both names, never none.
   * @param {string} from @param {string} to
   */
  rename(from, to) {
    fs.linkSync(this.#path(from), this.#path(to));
    fs.unlinkSync(this.#path(from));
  }

  /** @param {string} name */
  unlink(name) {
    fs.unlinkSync(this.#path(name));
  }
}
