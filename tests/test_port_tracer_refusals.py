"""The tracer: what has no place in the model is refused, or a program is made to fall back."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from fault_injection.ports import ptrace, syscalls
from fault_injection.ports.errors import TracerRefusal
from tests.traced import needs_ptrace, traced

pytestmark = needs_ptrace

EXECUTE = """
place = mmap.mmap(-1, 4096, prot=7)
place.write(bytes.fromhex('{code}'))
address = ctypes.addressof(ctypes.c_char.from_buffer(place))
ctypes.CFUNCTYPE(ctypes.c_long)(address)()
"""


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("mmap.mmap(opened('a'), 1)", "mmap, shared and writable"),
        ("m = mmap.mmap(opened('a'), 1, prot=mmap.PROT_READ)\n"
         "start = int(next(l for l in open('/proc/self/maps') if 'log/a' in l).split('-')[0], 16)\n"
         "call(10, ctypes.c_void_p(start), ctypes.c_long(4096), 3)",
         "mprotect of a shared mapping"),
        ("os.mkdir('sub')", "mkdir"),
        ("os.mkdir('../log/sub')", "mkdir"),
        ("os.mkdir('sub', dir_fd=os.open('.', 0))", "mkdirat"),
        ("os.symlink('a', 'b')", "symlink"),
        ("os.mkfifo('b')", "mknod"),
        ("opened('.', os.O_TMPFILE | os.O_RDWR)", "O_TMPFILE"),
        ("f = opened('a'); os.unlink('a'); os.write(f, b'x')", "without a name"),
        ("f = opened('a'); os.unlink('a'); os.ftruncate(f, 0)", "without a name"),
        ("call(40, (f := opened('a'), os.unlink('a'))[0], opened('b'), 0, 1)", "without a name"),
        ("os.rename('a', '../a')", "into, out of"),
        ("os.rename('../log', '../other')", "into, out of"),
        ("os.link('a', '../a')", "into or out of"),
        ("call(316, -100, b'a', -100, b'b', 2)", "an exchange"),
        ("opened('sub/a')", "no subdirectories"),
        ("fcntl.ioctl(opened('a'), 0x40049409, opened('b'))", "ioctl 0x40049409"),  # FICLONE
        ("os.pwrite(opened('a'), b'x', 1 << 40)", "a hole up to"),
        ("os.ftruncate(opened('a'), 1 << 40)", "grown to"),
        ("os.pwrite(opened('a'), b'x', (1 << 28) + 2)", "a hole up to"),
        ("os.ftruncate(opened('a'), (1 << 28) + 2)", "grown to"),
        ("os.chroot('/')", "chroot"),
        ("call(165, b'a', b'b', b'c', 0, 0)", "mount"),
        ("call(1, opened('a'), ctypes.c_void_p(8), 4)", "a wrong pointer"),
        (EXECUTE.format(code="b814000000cd80c3"), "another table"),  # getpid by int 0x80
        (EXECUTE.format(code="b8270000400f05c3"), "another table"),  # getpid of x32
        ("import socket; a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0, opened('a')])",
         "sending a descriptor"),
    ],
)  # fmt: skip
def test_refused_loudly(tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(TracerRefusal, match=words):
        traced(tmp_path, script, {"a": b"1", "b": b"22"})


@pytest.mark.req("PRT-2.1")
def test_a_directory_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(TracerRefusal, match="a directory's name does not change"):
        traced(tmp_path, "os.rename('d', 'e')", directories=["d"])


@pytest.mark.req("PRT-2.1")
def test_a_descriptor_in_the_second_of_two_messages_is_seen(tmp_path: Path) -> None:
    script = """
import socket, struct
a, b = socket.socketpair()
data = ctypes.create_string_buffer(b'x')
vector = (ctypes.c_uint64 * 2)(ctypes.addressof(data), 1)
control = ctypes.create_string_buffer(struct.pack('<Qiii4x', 20, 1, 1, opened('a')), 24)
plain = struct.pack('<QI4xQQQQi4x8x', 0, 0, ctypes.addressof(vector), 1, 0, 0, 0)
sending = struct.pack('<QI4xQQQQi4x8x', 0, 0, ctypes.addressof(vector), 1,
                      ctypes.addressof(control), 24, 0)
call(307, a.fileno(), plain + sending, 2, 0)
"""
    with pytest.raises(TracerRefusal, match="sending a descriptor"):
        traced(tmp_path, script, {"a": b"1"})


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("call, 425, 8, bytes(120)", "ENOSYS"),  # io_uring_setup
        ("call, 206, 8, bytes(8)", "ENOSYS"),  # io_setup
        ("call, 463, 0", "ENOSYS"),  # newer than the table
        ("call, 5000, 0", "ENOSYS"),
        ("os.setsid,", "EPERM"),
        ("os.setpgid, 0, 0", "EPERM"),
    ],
)
def test_answered_as_by_a_kernel_that_does_not_have_it(
    tmp_path: Path, script: str, error: str
) -> None:
    assert traced(tmp_path, f"print(failure({script}))").output == error


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("call, 285, opened('a'), 0, 0, 100", "ENOTSUP"),  # fallocate; EOPNOTSUPP has two names
        ("call, 285, opened('a'), 3, 0, 1", "ENOTSUP"),  # a hole is punched
        ("os.copy_file_range, opened('b'), opened('a'), 1", "ENOTSUP"),
        ("os.sendfile, opened('a'), opened('b'), 0, 1", "EINVAL"),
        ("lambda: os.splice((p := os.pipe(), os.write(p[1], b'x'))[0][0], opened('a'), 1)",
         "EINVAL"),
        ("os.copy_file_range, opened('b'), 99, 1", "EBADF"),  # by the kernel
    ],
)  # fmt: skip
def test_answered_as_by_a_filesystem_that_does_not_have_it(
    tmp_path: Path, script: str, error: str
) -> None:
    found = traced(tmp_path, f"print(failure({script}))", {"a": b"1", "b": b"22"})
    assert found.output == error
    assert found.image == {"a": b"1", "b": b"22"}


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    ("script", "image"),
    [
        ("os.posix_fallocate(opened('a'), 0, 3)", {"a": b"1\0\0", "b": b"22"}),  # of glibc
        ("import shutil; shutil.copyfile('b', 'a')", {"a": b"22", "b": b"22"}),
        ("import shutil; shutil.copyfile('b', 'c')", {"a": b"1", "b": b"22", "c": b"22"}),
    ],
)
def test_libraries_fall_back_to_what_can_be_seen(
    tmp_path: Path, script: str, image: dict[str, bytes]
) -> None:
    assert traced(tmp_path, script, {"a": b"1", "b": b"22"}).image == image


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    "script",
    [
        "mmap.mmap(opened('a', os.O_RDONLY), 1, prot=mmap.PROT_READ)[0]",
        "m = mmap.mmap(opened('a'), 1, flags=mmap.MAP_PRIVATE); m[0] = 7",
        "mmap.mmap(-1, 4096)[0] = 7",
        "m = [mmap.mmap(opened('a') if n == 1 else -1, 1, prot=1) for n in range(3)]\n"
        "places = [int(l.split('-')[0], 16) for l in open('/proc/self/maps') if ' r--s ' in l and "
        "'zero' in l]\n"
        "assert places\nfor each in places: call(10, ctypes.c_void_p(each), 4096, 3)",
        "assert failure(mmap.mmap, opened('a', os.O_RDONLY), 1) == 'EACCES'",
        "os.posix_fallocate(os.open('../other', os.O_CREAT | os.O_RDWR), 0, 100)",
        "os.mkdir('../sub'); os.rmdir('../sub')",
        "os.sendfile(os.open('../other', os.O_CREAT | os.O_RDWR), opened('a'), 0, 1)",
        "f = opened('a'); print(os.isatty(f), os.fstat(f), os.fchmod(f, 0o600), os.utime(f))",
        "f = opened('a'); os.unlink('a'); os.read(f, 1); os.fsync(f)",
        "import socket; a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0])",
    ],
)  # fmt: skip
def test_what_changes_nothing_of_the_log_is_not_refused(tmp_path: Path, script: str) -> None:
    assert traced(tmp_path, script, {"a": b"1", "b": b"2"}).code == 0


@pytest.mark.req("PRT-2.1")
def test_no_call_is_in_two_tables() -> None:
    tables = [
        set(syscalls.NAMES), set(syscalls.LACKING), set(syscalls.REFUSED_ON_PATH),
        set(syscalls.REFUSED_AT), set(syscalls.REFUSED_ALWAYS), set(syscalls.NOT_HERE),
        set(syscalls.NOT_ALLOWED),
    ]  # fmt: skip
    assert sum(map(len, tables)) == len(set.union(*tables))
    assert max(set.union(*tables)) <= syscalls.NUMBER_MAX


@pytest.mark.req("PRT-2.2")
def test_a_machine_that_cannot_trace_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert ptrace.unavailable() == "tracing needs x86-64 Linux, this is Linux aarch64"


@pytest.mark.req("PRT-2.2")
def test_a_container_that_forbids_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ptrace, "SEIZE", 0x7777)
    assert ptrace.unavailable().startswith("ptrace is not permitted here")
