"""The tracer: each system call carried over to the simulated disk, one situation per test.

After each, the directory is what the disk says (tests/traced.py). What has no place in the
model: test_port_tracer_refusals.py.
"""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from simulators.crash_filesystem import CrashFilesystem
from simulators.faulty_filesystem import CallFault
from tests.port_helpers import is_gone
from tests.traced import needs_ptrace, traced

pytestmark = needs_ptrace


@pytest.mark.req("PRT-2.1")
def test_a_file_is_created_exclusively(tmp_path: Path) -> None:
    found = traced(tmp_path, "opened('a', os.O_CREAT | os.O_EXCL | os.O_RDWR)")
    assert found.calls == {"create_exclusive": 1}
    assert found.image == {"a": b""}


@pytest.mark.req("PRT-2.1")
def test_a_name_that_is_taken_is_told(tmp_path: Path) -> None:
    script = "print(failure(opened, 'a', os.O_CREAT | os.O_EXCL | os.O_RDWR))"
    assert traced(tmp_path, script, {"a": b"1"}).output == "EEXIST"


@pytest.mark.req("PRT-2.1")
def test_opening_what_exists_creates_nothing(tmp_path: Path) -> None:
    found = traced(tmp_path, "opened('a', os.O_CREAT | os.O_RDWR)", {"a": b"1"})
    assert found.calls == {}


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    "script",
    ["opened('b', os.O_CREAT | os.O_TRUNC | os.O_WRONLY)", "opened('a', os.O_PATH | os.O_TRUNC)",
     "opened('b', os.O_PATH)"],
)  # fmt: skip
def test_opening_that_changes_no_byte_is_no_truncation(tmp_path: Path, script: str) -> None:
    found = traced(tmp_path, script, {"a": b"1", "b": b""})
    assert found.calls == {}
    assert found.image == {"a": b"1", "b": b""}


@pytest.mark.req("PRT-2.1")
def test_truncation_at_open_is_a_truncation(tmp_path: Path) -> None:
    found = traced(tmp_path, "opened('a', os.O_CREAT | os.O_TRUNC | os.O_WRONLY)", {"a": b"1"})
    assert found.calls == {"truncate": 1}
    assert found.image == {"a": b""}


@pytest.mark.req("PRT-2.1")
def test_creat_and_openat2_open_too(tmp_path: Path) -> None:
    found = traced(tmp_path, """
how = (ctypes.c_uint64 * 3)(os.O_CREAT | os.O_WRONLY, 0o600, 0)
os.write(call(437, -100, b'two', how, 24), b'2')
os.write(call(85, b'one', 0o600), b'1')
""")  # fmt: skip
    assert found.calls == {"create_exclusive": 2, "append": 2}
    assert found.image == {"one": b"1", "two": b"2"}


@pytest.mark.req("PRT-2.1")
def test_appending_goes_to_the_end_wherever_the_descriptor_stands(tmp_path: Path) -> None:
    script = "f = opened('a', os.O_WRONLY | os.O_APPEND); os.lseek(f, 0, 0); os.write(f, b'34')"
    found = traced(tmp_path, script, {"a": b"12"})
    assert found.image == {"a": b"1234"}
    assert found.calls == {"append": 1}


@pytest.mark.req("PRT-2.1")
def test_a_write_goes_where_the_descriptor_stands(tmp_path: Path) -> None:
    script = "f = opened('a'); os.lseek(f, 1, 0); os.write(f, b'xy'); os.write(f, b'z')"
    found = traced(tmp_path, script, {"a": b"12345"})
    assert found.image == {"a": b"1xyz5"}
    assert found.calls == {"overwrite": 2}


@pytest.mark.req("PRT-2.1")
def test_a_write_over_the_end_is_overwriting_and_appending(tmp_path: Path) -> None:
    found = traced(tmp_path, "os.pwrite(opened('a'), b'xyz', 1)", {"a": b"12"})
    assert found.image == {"a": b"1xyz"}
    assert found.calls == {"overwrite": 1, "append": 1}


@pytest.mark.req("PRT-2.1")
def test_a_write_behind_the_end_leaves_a_hole_of_zeros(tmp_path: Path) -> None:
    found = traced(tmp_path, "os.pwrite(opened('a'), b'x', 4)", {"a": b"12"})
    assert found.image == {"a": b"12\0\0x"}


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    "script",
    [
        "os.writev(opened('a', os.O_WRONLY | os.O_APPEND), [b'3', b'', b'45'])",
        "os.pwritev(opened('a'), [b'3', b'45'], 2)",
        "os.pwritev(opened('a'), [b'3', b'45'], 2, os.RWF_DSYNC)",
        "os.pwritev(opened('a'), [b'345'], 0, 0x10)",  # RWF_APPEND
        "os.pwritev(opened('a', os.O_RDWR | os.O_APPEND), [b'12345'], 0, 0x20)",  # RWF_NOAPPEND
        "f = opened('a'); os.lseek(f, 2, 0); os.pwritev(f, [b'345'], -1, os.RWF_DSYNC)",
    ],
)
def test_pieces_are_gathered(tmp_path: Path, script: str) -> None:
    assert traced(tmp_path, script, {"a": b"12"}).image == {"a": b"12345"}


@pytest.mark.req("PRT-2.1")
def test_what_was_not_synced_is_pending(tmp_path: Path) -> None:
    found = traced(tmp_path, "os.pwrite(opened('a'), b'x', 0)", {"a": b"1"})
    assert found.durable == {"a": b"1"}


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize("sync", ["os.fsync(f)", "os.fdatasync(f)", "call(306, f)", "os.sync()"])
def test_a_synced_file_is_durable(tmp_path: Path, sync: str) -> None:
    found = traced(tmp_path, f"f = opened('a'); os.pwrite(f, b'x', 1); {sync}", {"a": b"1"})
    assert found.durable == {"a": b"1x"}


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    "script",
    [
        "os.write(opened('a', os.O_WRONLY | os.O_DSYNC), b'x')",
        "os.write(opened('a', os.O_WRONLY | os.O_SYNC), b'x')",
        "os.pwritev(opened('a'), [b'x'], 0, os.RWF_DSYNC)",
        "f = opened('a'); fcntl.fcntl(f, fcntl.F_SETFL, os.O_APPEND); os.write(f, b''); "
        "os.pwritev(opened('a'), [b'x'], 0, os.RWF_SYNC)",
    ],
)
def test_a_write_that_syncs_is_durable(tmp_path: Path, script: str) -> None:
    found = traced(tmp_path, script, {"a": b"1"})
    assert found.durable == {"a": b"x"}
    assert found.calls == {"overwrite": 1, "sync": 1}


@pytest.mark.req("PRT-2.1")
def test_a_range_that_is_synced_promises_nothing(tmp_path: Path) -> None:
    script = "f = opened('a'); os.pwrite(f, b'x', 0); call(277, f, 0, 0, 7)"
    assert traced(tmp_path, script, {"a": b"1"}).durable == {"a": b"1"}


@pytest.mark.req("PRT-2.1")
def test_names_are_durable_once_the_directory_is_synced(tmp_path: Path) -> None:
    script = "f = opened('b', os.O_CREAT | os.O_RDWR); os.fsync(f)"
    assert traced(tmp_path, script, {"a": b"1"}).durable == {"a": b"1"}
    (tmp_path / "second").mkdir()
    script += "; os.fsync(os.open('.', os.O_RDONLY))"
    assert traced(tmp_path / "second", script, {"a": b"1"}).durable == {"a": b"1", "b": b""}


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    ("script", "left"),
    [
        ("os.rename('a', 'c')", {"b": b"2", "c": b"1"}),
        ("os.rename('a', 'b')", {"b": b"1"}),
        ("call(264, -100, b'a', -100, b'c')", {"b": b"2", "c": b"1"}),  # renameat
        ("call(316, -100, b'a', -100, b'c', 1)", {"b": b"2", "c": b"1"}),  # renameat2, NOREPLACE
        ("os.link('a', 'c')", {"a": b"1", "b": b"2", "c": b"1"}),
        ("os.unlink('a')", {"b": b"2"}),
        ("os.link('a', 'c'); os.unlink('a'); f = opened('c'); os.pwrite(f, b'x', 1)",
         {"b": b"2", "c": b"1x"}),
        ("os.link('a', 'c'); os.rename('a', 'c'); os.unlink('b')", {"a": b"1", "c": b"1"}),
    ],
)  # fmt: skip
def test_names(tmp_path: Path, script: str, left: dict[str, bytes]) -> None:
    assert traced(tmp_path, script, {"a": b"1", "b": b"2"}).image == left


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("os.rename, 'x', 'c'", "ENOENT"),
        ("call, 316, -100, b'a', -100, b'b', 1", "EEXIST"),
        ("os.link, 'a', 'b'", "EEXIST"),
        ("os.unlink, 'x'", "ENOENT"),
        ("os.ftruncate, opened('a', os.O_RDONLY), 0", "EINVAL"),
        ("os.write, opened('a', os.O_RDONLY), b'x'", "EBADF"),
        ("os.write, 99, b'x'", "EBADF"),
        ("os.pwrite, opened('a'), b'x', -1", "EINVAL"),
        ("os.open, 'x/', os.O_RDONLY, 0, ", "ENOENT"),
        ("lambda: os.open('x', os.O_RDONLY, dir_fd=99)", "EBADF"),
    ],
)
def test_what_the_kernel_refuses_is_refused_on_both_sides(
    tmp_path: Path, script: str, error: str
) -> None:
    found = traced(tmp_path, f"print(failure({script}))", {"a": b"1", "b": b"2"})
    assert found.output == error
    assert found.image == {"a": b"1", "b": b"2"}


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize("cut", ["os.ftruncate(opened('a'), {})", "os.truncate('a', {})"])
@pytest.mark.parametrize(("size", "left"), [(1, b"1"), (4, b"12\0\0")])
def test_a_size_goes_both_ways(tmp_path: Path, cut: str, size: int, left: bytes) -> None:
    found = traced(tmp_path, cut.format(size), {"a": b"12"})
    assert found.image == {"a": left}
    assert found.calls == {"truncate": 1}


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    "script",
    [
        "os.write(os.dup(f), b'x')",
        "os.write(os.dup2(f, 77), b'x')",
        "call(292, f, 78, os.O_CLOEXEC); os.close(f); os.write(78, b'x')",  # dup3
        "g = fcntl.fcntl(f, fcntl.F_DUPFD, 90); os.closerange(3, 80); os.write(g, b'x')",
        "os.write(opened(f'/proc/self/fd/{f}', os.O_WRONLY | os.O_APPEND), b'x')",
        "os.write(os.open('../log/a', os.O_WRONLY | os.O_APPEND), b'x')",
        "g = os.open('..', os.O_RDONLY); h = os.open('log/a', os.O_RDWR | os.O_APPEND, dir_fd=g);"
        "os.write(h, b'x')",
        "os.symlink(os.getcwd(), '../link'); os.write(opened('../link/a', 1 | os.O_APPEND), b'x')",
        "os.symlink('log/a', '../link'); os.write(opened('../link', 1 | os.O_APPEND), b'x')",
        "os.rename('a', 'b'); os.write(f, b'x'); os.rename('b', 'a')",
        "os.link('a', 'b'); os.unlink('a'); os.write(f, b'x'); os.rename('b', 'a')",
    ],
)
def test_a_file_is_known_however_it_is_reached(tmp_path: Path, script: str) -> None:
    script = "f = opened('a', os.O_RDWR | os.O_APPEND); " + script
    assert traced(tmp_path, script, {"a": b"1"}).image == {"a": b"1x"}


@pytest.mark.req("PRT-2.1")
def test_a_truncation_through_a_link_is_seen(tmp_path: Path) -> None:
    script = "os.symlink('log/a', '../link'); opened('../link', os.O_WRONLY | os.O_TRUNC)"
    assert traced(tmp_path, script, {"a": b"1"}).calls == {"truncate": 1}


@pytest.mark.req("PRT-2.1")
def test_other_files_are_none_of_the_disks_business(tmp_path: Path) -> None:
    found = traced(tmp_path, "os.makedirs('../log-2/x'); open('../log-2/a', 'w').write('1')")
    assert found.calls == {}
    assert found.image == {}


@pytest.mark.req("PRT-2.1", "FMT-3.2")
@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("opened, 'd', os.O_CREAT | os.O_EXCL | os.O_RDWR", "EEXIST"),
        ("opened, 'd', os.O_CREAT | os.O_RDWR", "EISDIR"),
        ("opened, 'd', os.O_WRONLY", "EISDIR"),
        ("os.unlink, 'd'", "EISDIR"),
        ("os.link, 'd', 'c'", "EPERM"),
        ("os.link, 'a', 'd'", "EEXIST"),
        ("os.rename, 'a', 'd'", "EISDIR"),
        ("call, 316, -100, b'a', -100, b'd', 1", "EEXIST"),
        ("lambda: os.fsync(os.open('d', os.O_RDONLY))", "none"),
        ("lambda: print(sorted(os.listdir('.')), os.listdir('d'))", "['a', 'd'] []\nnone"),
    ],
)
def test_a_directory_in_the_directory_is_in_the_way(
    tmp_path: Path, script: str, output: str
) -> None:
    found = traced(tmp_path, f"print(failure({script}))", {"a": b"1"}, directories=["d"])
    assert found.output == output
    assert found.image == {"a": b"1"}


# ---- Faults -----------------------------------------------------------------


@pytest.mark.req("PRT-2.1", "PRT-2.2")
@pytest.mark.parametrize(
    ("fault", "script"),
    [
        (CallFault("append", errno.ENOSPC), "os.write, opened('a', 1 | os.O_APPEND), b'x'"),
        (CallFault("append", errno.EINTR), "call, 1, opened('a', 1 | os.O_APPEND), b'x', 1"),
        (CallFault("overwrite", errno.EIO), "os.pwrite, opened('a'), b'x', 0"),
        (CallFault("sync", errno.EIO), "os.fsync, opened('a')"),
        (CallFault("sync", errno.ENOSPC), "os.fdatasync, opened('a')"),
        (CallFault("sync", errno.EIO), "os.write, opened('a', 1 | os.O_APPEND | os.O_DSYNC), b''"),
        (CallFault("sync_directory", errno.EIO), "os.fsync, os.open('.', 0)"),
        (CallFault("create_exclusive", errno.EMFILE), "opened, 'b', os.O_CREAT | 1"),
        (CallFault("truncate", errno.EDQUOT), "os.ftruncate, opened('a'), 0"),
        (CallFault("rename_new", errno.EROFS), "os.rename, 'a', 'b'"),
        (CallFault("rename_new", errno.EMFILE), "os.link, 'a', 'b'"),
        (CallFault("unlink", errno.EROFS), "os.unlink, 'a'"),
        (CallFault("read", errno.EIO), "os.read, opened('a'), 1"),
        (CallFault("list", errno.EIO), "os.listdir, '.'"),
        (CallFault("lock", errno.EIO), "fcntl.flock, opened('a'), fcntl.LOCK_EX"),
        (CallFault("lock", errno.EIO), "fcntl.lockf, opened('a'), fcntl.LOCK_EX"),
    ],
)
def test_a_fault_of_the_disk_is_the_error_that_the_program_gets(
    tmp_path: Path, fault: CallFault, script: str
) -> None:
    found = traced(tmp_path, f"print(failure({script}))", {"a": b"1"}, faults=[fault])
    assert found.output == errno.errorcode[fault.error]
    assert len(found.faults.fired) == 1


@pytest.mark.req("PRT-2.1", "PRT-2.2")
@pytest.mark.parametrize(
    ("script", "short", "output", "content"),
    [
        ("os.write(f, b'2345')", 2, "2", b"123"),
        ("os.write(f, b'2345')", 0, "0", b"1"),
        ("os.pwrite(f, b'2345', 1)", 3, "3", b"1234"),
        ("os.writev(f, [b'23', b'45', b'6'])", 3, "3", b"1234"),
        ("os.writev(f, [b'23', b'45', b'6'])", 4, "4", b"12345"),
        ("os.writev(f, [b'', b'23'])", 1, "1", b"12"),
        ("os.writev(f, [b'23', b'45'])", 0, "0", b"1"),
        ("os.pwritev(f, [b'23', b'45'], 1)", 1, "1", b"12"),
        ("os.pwritev(f, [b'23', b'45'], 1, os.RWF_DSYNC)", 3, "3", b"1234"),
    ],
)
def test_a_short_write_is_made_true(
    tmp_path: Path, script: str, short: int, output: str, content: bytes
) -> None:
    script = f"f = opened('a', os.O_RDWR | os.O_APPEND); print({script})"
    found = traced(tmp_path, script, {"a": b"1"}, faults=[CallFault("append", short=short)])
    assert found.output == output
    assert found.image == {"a": content}


@pytest.mark.req("PRT-2.1")
def test_the_vector_of_a_short_write_is_given_back_as_it_was(tmp_path: Path) -> None:
    found = traced(tmp_path, """
vector = (ctypes.c_uint64 * 4)()
pieces = [ctypes.create_string_buffer(b'23'), ctypes.create_string_buffer(b'45')]
vector[:] = [ctypes.addressof(pieces[0]), 2, ctypes.addressof(pieces[1]), 2]
f = opened('a', os.O_RDWR | os.O_APPEND)
print(call(20, f, vector, 2), call(20, f, vector, 2), vector[1], vector[3])
""", {"a": b"1"}, faults=[CallFault("append", short=1)])  # fmt: skip
    assert found.output == "1 4 2 2"
    assert found.image == {"a": b"122345"}


REGISTER_PROGRAM = """
code = bytes.fromhex('48b8' + '01'.ljust(16, '0') + '0f054889d0c3')  # write; return rdx
place = mmap.mmap(-1, 4096, prot=7)
place.write(code)
address = ctypes.addressof(ctypes.c_char.from_buffer(place))
function = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_long)(address)
print(function(opened('a', 1 | os.O_APPEND), b'2345', 4))
"""


@pytest.mark.req("PRT-2.1")
def test_a_short_write_changes_no_register_that_a_kernel_keeps(tmp_path: Path) -> None:
    found = traced(tmp_path, REGISTER_PROGRAM, {"a": b"1"}, faults=[CallFault("append", short=1)])
    assert found.output == "4"
    assert found.image == {"a": b"12"}


@pytest.mark.req("PRT-2.1")
def test_a_write_that_overwrites_and_then_has_no_room_is_short(tmp_path: Path) -> None:
    fault = CallFault("append", errno.ENOSPC)
    found = traced(tmp_path, "print(os.pwrite(opened('a'), b'xyz', 0))", {"a": b"1"},
                   faults=[fault])  # fmt: skip
    assert found.output == "1"
    assert found.image == {"a": b"x"}


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize("short", [0, 1, 2])
def test_a_hole_that_is_cut_short_leaves_nothing(tmp_path: Path, short: int) -> None:
    script = "print(os.pwrite(opened('a'), b'xy', 3))"
    found = traced(tmp_path, script, {"a": b"1"}, faults=[CallFault("append", short=short)])
    assert found.output == "0"
    assert found.image == {"a": b"1"}


@pytest.mark.req("PRT-2.1", "PRT-2.2")
def test_after_a_failed_sync_the_next_one_succeeds_and_nothing_is_durable(tmp_path: Path) -> None:
    script = "f = opened('a'); os.pwrite(f, b'x', 0); print(failure(os.fsync, f)); os.fsync(f)"
    found = traced(tmp_path, script, {"a": b"1"}, faults=[CallFault("sync")])
    assert found.output == "EIO"
    assert found.image == {"a": b"x"}
    assert found.durable == {"a": b"1"}


@pytest.mark.req("PRT-2.1", "PRT-2.2")
@pytest.mark.parametrize(
    ("sync", "output"), [("os.fsync, f", "EIO"), ("call, 306, f", "EIO"), ("os.sync,", "none")]
)
def test_a_sync_that_throws_the_bytes_away_does_so_in_the_directory(
    tmp_path: Path, sync: str, output: str
) -> None:
    """Sync(2) has no way to tell; the bytes are gone all the same, also those behind the end."""
    script = f"f = opened('a'); os.pwrite(f, b'xyz', 0); print(failure({sync}))"
    found = traced(tmp_path, script, {"a": b"1", "b": b"2"}, policy="reverts")
    assert found.output == output
    assert found.image == {"a": b"1", "b": b"2"}


@pytest.mark.req("PRT-2.1")
def test_a_sync_of_all_goes_on_behind_a_file_that_fails(tmp_path: Path) -> None:
    script = """
f, g = opened('a'), opened('b')
os.pwrite(f, b'x', 0); os.pwrite(g, b'y', 0); os.sync()
"""
    found = traced(tmp_path, script, {"a": b"1", "b": b"2"}, faults=[CallFault("sync")])
    assert found.durable == {"a": b"1", "b": b"y"}
    assert found.calls["sync_directory"] == 1


@pytest.mark.req("PRT-2.1")
def test_another_filesystem_is_none_of_the_disks_business(tmp_path: Path) -> None:
    script = "f = opened('a'); os.pwrite(f, b'x', 0); call(306, os.open('/proc', os.O_RDONLY))"
    assert traced(tmp_path, script, {"a": b"1"}).durable == {"a": b"1"}
    (tmp_path / "second").mkdir()
    found = traced(tmp_path / "second", "print(failure(call, 306, 99))")
    assert (found.output, found.calls) == ("EBADF", {})


@pytest.mark.req("PRT-2.1")
def test_a_write_whose_own_sync_fails_is_in_the_page_cache(tmp_path: Path) -> None:
    script = "print(failure(os.write, opened('a', os.O_WRONLY | os.O_DSYNC), b'xy'))"
    found = traced(tmp_path, script, {"a": b"1"}, faults=[CallFault("sync")])
    assert found.output == "EIO"
    assert found.image == {"a": b"xy"}


# ---- Power, threads, children -----------------------------------------------

STORY = """
f = opened('a', os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND)
os.write(f, b'1'); os.fsync(f); os.fsync(os.open('.', 0))
os.rename('a', 'b'); os.ftruncate(f, 3); os.pwrite(f, b'z', 0); os.unlink('b')
"""


@pytest.mark.req("PRT-2.1", "PRT-2.2")
def test_killed_before_any_call_directory_and_disk_are_equal(tmp_path: Path) -> None:
    whole = traced(tmp_path, STORY)
    states = []
    for calls in range(whole.disk.calls):
        place = tmp_path / str(calls)
        place.mkdir()
        found = traced(place, STORY, power_fails_after=calls)
        assert found.code is None
        states.append(found.image)
    assert states == [
        {}, {"a": b""}, {"a": b"1"}, {"a": b"1"}, {"a": b"1"}, {"b": b"1"}, {"b": b"1\0\0"},
        {"b": b"1\0\0z"},
    ]  # fmt: skip


@pytest.mark.req("PRT-2.1")
def test_threads_come_one_after_the_other(tmp_path: Path) -> None:
    found = traced(tmp_path, """
import threading
f = opened('a', os.O_CREAT | os.O_RDWR | os.O_APPEND)
def work(letter):
    for _ in range(20):
        os.write(f, letter); os.fsync(f)
threads = [threading.Thread(target=work, args=[each]) for each in (b'x', b'y', b'z')]
for each in threads: each.start()
for each in threads: each.join()
""")  # fmt: skip
    assert found.calls == {"create_exclusive": 1, "append": 60, "sync": 60}
    assert found.durable.get("a", b"") == b""  # its name was never synced
    assert sorted(found.image["a"]) == sorted(b"x" * 20 + b"y" * 20 + b"z" * 20)


@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize(
    "script",
    [
        "pid = os.fork()\nif not pid: os.write(f, b'x'); os._exit(0)\nos.waitpid(pid, 0)",
        "import subprocess; subprocess.run(['sh', '-c', 'echo -n x >> a'], check=True)",
        "import subprocess; subprocess.run([sys.executable, '-S', '-c', "
        "'import os; os.write(%d, b\"x\")' % f], pass_fds=[f], check=True)",
    ],
)
def test_children_are_followed(tmp_path: Path, script: str) -> None:
    script = "f = opened('a', os.O_WRONLY | os.O_APPEND)\n" + script
    found = traced(tmp_path, script, {"a": b"1"})
    assert found.image == {"a": b"1x"}
    assert found.calls == {"append": 1}


@pytest.mark.req("PRT-2.1")
def test_a_child_that_is_left_behind_is_gone(tmp_path: Path) -> None:
    script = (
        "pid = os.fork()\nif not pid:\n  while 1: os.write(opened('a', 1025), b'x')\nprint(pid)"
    )
    pid = int(traced(tmp_path, script, {"a": b""}).output)
    assert is_gone(pid)


@pytest.mark.req("PRT-2.1")
def test_locks_are_the_kernels(tmp_path: Path) -> None:
    found = traced(tmp_path, """
f, g = opened('a'), opened('a')
fcntl.flock(f, fcntl.LOCK_EX)
print(failure(fcntl.flock, g, fcntl.LOCK_EX | fcntl.LOCK_NB))
os.close(f)
fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)
fcntl.flock(g, fcntl.LOCK_UN)
""", {"a": b""})  # fmt: skip
    assert found.output == "EAGAIN"
    assert found.calls == {"lock": 3}


@pytest.mark.req("PRT-2.1")
def test_the_disk_is_as_after_the_same_calls_by_hand(tmp_path: Path) -> None:
    found = traced(tmp_path, STORY)
    by_hand = CrashFilesystem(found.disk.profile)
    by_hand.create_exclusive("a")
    by_hand.append("a", b"1")
    by_hand.sync("a")
    by_hand.sync_directory()
    by_hand.rename_new("a", "b")
    by_hand.truncate("b", 3)
    by_hand.append("b", b"z")  # O_APPEND: wherever pwrite says
    by_hand.unlink("b")
    assert found.disk.points == by_hand.points
