"""What system calls a port makes of its files, and what they mean to a disk: x86-64 numbers.

A call that changes files and is not in this table would be a hole in the model, so it is an
error, never ignored: `MUTATING_UNKNOWN`. Calls that change no file pass.

Spec: PRT-2.1.
"""

from __future__ import annotations

from typing import Final

READ, WRITE, OPEN, CLOSE, LSEEK, MMAP = 0, 1, 2, 3, 8, 9
PREAD64, PWRITE64, READV, WRITEV = 17, 18, 19, 20
FLOCK, FSYNC, FDATASYNC, TRUNCATE, FTRUNCATE = 73, 74, 75, 76, 77
GETDENTS64, RENAME, CREAT, LINK, UNLINK = 217, 82, 85, 86, 87
OPENAT, UNLINKAT, RENAMEAT, LINKAT, RENAMEAT2 = 257, 263, 264, 265, 316
PREADV, PWRITEV, PREADV2, PWRITEV2 = 295, 296, 327, 328
OPENAT2, IO_URING_SETUP, SYNC, SYNCFS = 437, 425, 162, 306

NAMES: Final = {
    READ: "read", WRITE: "write", OPEN: "open", MMAP: "mmap", PREAD64: "pread64",
    PWRITE64: "pwrite64", READV: "readv", WRITEV: "writev", FLOCK: "flock", FSYNC: "fsync",
    FDATASYNC: "fdatasync", TRUNCATE: "truncate", FTRUNCATE: "ftruncate",
    GETDENTS64: "getdents64", RENAME: "rename", CREAT: "creat", LINK: "link", UNLINK: "unlink",
    OPENAT: "openat", UNLINKAT: "unlinkat", RENAMEAT: "renameat", LINKAT: "linkat",
    RENAMEAT2: "renameat2", PREADV: "preadv", PWRITEV: "pwritev", PREADV2: "preadv2",
    PWRITEV2: "pwritev2", OPENAT2: "openat2", IO_URING_SETUP: "io_uring_setup", SYNC: "sync",
    SYNCFS: "syncfs",
}  # fmt: skip

MUTATING_UNKNOWN: Final = {
    40: "sendfile", 83: "mkdir", 84: "rmdir", 88: "symlink", 133: "mknod", 206: "io_setup",
    209: "io_submit", 258: "mkdirat", 259: "mknodat", 266: "symlinkat", 275: "splice",
    285: "fallocate", 326: "copy_file_range", PWRITEV2: "pwritev2", OPENAT2: "openat2",
    TRUNCATE: "truncate",
}  # fmt: skip
"""Refused when they concern a file of the log: the model has no meaning for them."""

O_ACCMODE, O_WRONLY, O_RDWR = 0o3, 0o1, 0o2
O_CREAT, O_EXCL, O_TRUNC, O_APPEND = 0o100, 0o200, 0o1000, 0o2000
O_DSYNC, O_SYNC, O_DIRECT, O_TMPFILE = 0o10000, 0o4010000, 0o40000, 0o20200000
PROT_WRITE, MAP_SHARED = 2, 1
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
LOCK_SH, LOCK_EX, LOCK_UN = 1, 2, 8
AT_FDCWD: Final = -100
