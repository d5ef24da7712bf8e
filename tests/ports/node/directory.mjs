/**
 * Gets a directory that is safe to use, and the lock on it: DSK-1.2 to DSK-1.4.
 *
 * Node has no flock(2). flock(1) of util-linux (or busybox) locks a descriptor that it inherits,
 * and the lock belongs to the open file description: it stays when the helper has gone, until this
 * process closes its descriptor or dies.
 */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { WalError, diskText } from './errors.mjs';
import { LOCK_NAME } from './names.mjs';

const { O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_RDWR } = fs.constants;
const GROUP_OR_OTHERS_WRITE = 0o022;

/** Looked for once: else the kernel is asked in each directory of PATH at every open. */
const FLOCK = (process.env.PATH ?? '')
  .split(':')
  .map((each) => path.join(each, 'flock'))
  .find((each) => fs.existsSync(each));

/**
 * @template T
 * @param {string} what
 * @param {() => T} act
 * @returns {T} a failing disk is the reason DiskUnreadable not to open
 */
export function orRefuse(what, act) {
  try {
    return act();
  } catch (error) {
    if (error instanceof WalError) throw error;
    throw new WalError('DiskUnreadable', `${what}: ${diskText(error)}`);
  }
}

/** @param {string} directory */
export function prepareDirectory(directory) {
  const found = orRefuse(directory, () => {
    const wasThere = fs.statSync(directory, { throwIfNoEntry: false }) !== undefined;
    if (!wasThere) fs.mkdirSync(directory, { mode: 0o700 });
    // Without this a power cut takes the directory with all that was synced in it. At each open:
    // who made it may have died before its own sync.
    syncParent(directory, wasThere);
    return fs.statSync(directory);
  });
  if (!found.isDirectory()) throw new WalError('DiskUnreadable', `${directory}: no directory`);
  if (found.uid !== process.geteuid?.() || found.mode & GROUP_OR_OTHERS_WRITE) {
    const mode = (found.mode & 0o777).toString(8);
    const text = `${directory} has user ${found.uid} and mode ${mode}; it must be mine alone`;
    throw new WalError('UnsafeDirectory', text);
  }
}

/** @param {string} directory @param {boolean} wasThere */
function syncParent(directory, wasThere) {
  let fd;
  try {
    fd = fs.openSync(path.dirname(path.resolve(directory)), O_RDONLY | O_DIRECTORY);
  } catch (error) {
    if (wasThere && /** @type {any} */ (error).code === 'EACCES') return;
    throw error;
  }
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * @param {string} directory
 * @returns {number} a descriptor: who closes it lets go of the lock
 */
export function takeLock(directory) {
  const name = path.join(directory, LOCK_NAME);
  const fd = orRefuse(name, () => fs.openSync(name, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600));
  try {
    if (!orRefuse(name, () => fs.fstatSync(fd)).isFile()) {
      throw new WalError('DiskUnreadable', `${name} is no regular file, so it locks nothing out`);
    }
    // Descriptor 3 of the helper is ours. It waits one second for another holder to go.
    const helper = spawnSync(FLOCK ?? 'flock', ['-x', '-w', '1', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
    if (helper.error) throw new WalError('DiskUnreadable', `flock(1): ${helper.error.message}`);
    if (helper.status === 1) throw new WalError('Locked', `another process holds ${directory}`);
    if (helper.status !== 0) throw new WalError('DiskUnreadable', `flock(1): ${helper.status}`);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  return fd;
}
