"""What system calls a port makes of its files, and what they mean to a disk: x86-64 numbers.

Each number up to `NUMBER_MAX` is in one of four places: carried over (carrier.py), refused
when it concerns the log, answered as if the kernel or the filesystem did not have it, or
harmless because it changes no file. A higher one is newer than this table and answered as on an
older kernel, so nothing that might change a file goes unseen.

Spec: PRT-2.1.
"""

from __future__ import annotations

import errno
from typing import Final

READ, WRITE, OPEN, MMAP, MPROTECT, IOCTL = 0, 1, 2, 9, 10, 16
PREAD64, PWRITE64, READV, WRITEV = 17, 18, 19, 20
SENDMSG, FCNTL = 46, 72
FLOCK, FSYNC, FDATASYNC, TRUNCATE, FTRUNCATE = 73, 74, 75, 76, 77
RENAME, RMDIR, CREAT, LINK, UNLINK = 82, 84, 85, 86, 87
SYNC, GETDENTS64 = 162, 217
OPENAT, UNLINKAT, RENAMEAT, LINKAT, RENAMEAT2 = 257, 263, 264, 265, 316
PREADV, PWRITEV, SENDMMSG, SYNCFS, PREADV2, PWRITEV2 = 295, 296, 307, 306, 327, 328
PKEY_MPROTECT, OPENAT2 = 329, 437
NUMBER_MAX: Final = 462
"""mseal: Linux 6.10."""

NAMES: Final = {
    READ: "read", WRITE: "write", OPEN: "open", MMAP: "mmap", MPROTECT: "mprotect",
    IOCTL: "ioctl", PREAD64: "pread64", PWRITE64: "pwrite64", READV: "readv", WRITEV: "writev",
    SENDMSG: "sendmsg", FCNTL: "fcntl", FLOCK: "flock", FSYNC: "fsync", FDATASYNC: "fdatasync",
    TRUNCATE: "truncate", FTRUNCATE: "ftruncate", GETDENTS64: "getdents64", RENAME: "rename",
    CREAT: "creat", LINK: "link", UNLINK: "unlink", OPENAT: "openat", UNLINKAT: "unlinkat",
    RENAMEAT: "renameat", LINKAT: "linkat", RENAMEAT2: "renameat2", PREADV: "preadv",
    PWRITEV: "pwritev", SENDMMSG: "sendmmsg", PREADV2: "preadv2", PWRITEV2: "pwritev2",
    OPENAT2: "openat2", SYNC: "sync", SYNCFS: "syncfs", PKEY_MPROTECT: "pkey_mprotect",
}  # fmt: skip
"""The calls that carrier.py knows."""

LACKING: Final = {
    40: (0, errno.EINVAL),  # sendfile
    275: (2, errno.EINVAL),  # splice
    285: (0, errno.EOPNOTSUPP),  # fallocate
    326: (2, errno.EOPNOTSUPP),  # copy_file_range
}
"""If the argument with this index is a descriptor of a file of the log, answered as by a
filesystem that does not have it: libraries know these errors, and fall back to write(2)."""
REFUSED_ON_PATH: Final = {
    83: ("mkdir", 0), RMDIR: ("rmdir", 0), 88: ("symlink", 1), 133: ("mknod", 0),
}  # fmt: skip
REFUSED_AT: Final = {258: ("mkdirat", 0), 259: ("mknodat", 0), 266: ("symlinkat", 1)}
"""The index is that of the directory's descriptor; the path is the next."""
REFUSED_ALWAYS: Final = {
    155: "pivot_root", 161: "chroot", 165: "mount", 308: "setns", 429: "move_mount",
}  # fmt: skip
"""After these a path means something else."""
NOT_HERE: Final = {
    206: "io_setup", 209: "io_submit", 425: "io_uring_setup", 426: "io_uring_enter",
    427: "io_uring_register", 304: "open_by_handle_at", 438: "pidfd_getfd",
}  # fmt: skip
"""Answered with ENOSYS, so that a program falls back to what can be seen."""
NOT_ALLOWED: Final = {109: "setpgid", 112: "setsid"}
"""Answered with EPERM: a process that leaves its group would not be waited for."""

O_ACCMODE, O_RDONLY, O_PATH = 0o3, 0o0, 0o10000000
O_CREAT, O_EXCL, O_TRUNC, O_APPEND = 0o100, 0o200, 0o1000, 0o2000
O_DSYNC, O_NOFOLLOW, O_TMPFILE = 0o10000, 0o400000, 0o20200000
PROT_WRITE, MAP_SHARED, MAP_ANONYMOUS = 2, 1, 0x20
RENAME_NOREPLACE = 1
RWF_DSYNC, RWF_SYNC, RWF_APPEND, RWF_NOAPPEND = 2, 4, 0x10, 0x20
LOCK_SH, LOCK_EX = 1, 2
F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW = 6, 7, 37, 38
HARMLESS_IOCTLS: Final = frozenset({0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451})
"""TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. Others may clone or punch."""
SCM_RIGHTS, SOL_SOCKET = 1, 1
AT_FDCWD: Final = -100
AT_REMOVEDIR, AT_SYMLINK_FOLLOW = 0x200, 0x400
NO_OFFSET: Final = 2**64 - 1
"""pwritev2: at the position of the descriptor."""
