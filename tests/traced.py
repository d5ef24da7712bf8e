"""A small Python program, traced: what it did to its directory, and to the simulated disk.

    found = traced(tmp_path, "os.rename('a', 'b')", {"a": b"1"})
    found.output, found.disk, found.calls

The program stands in the directory, has `os`, `fcntl` and `mmap`, `call(number, ...)` for a
bare system call, and `failure(function, ...)` for the name of the error that it ends with. When
it is over, the directory has to be what the disk says, whatever was done.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from fault_injection.disk_faults import DiskFaults
from fault_injection.log_steps import Fault
from fault_injection.ports.carrier import Carrier
from fault_injection.ports.port_log import read_files, write_files
from fault_injection.ports.ptrace import TracedProcess, unavailable
from fault_injection.ports.tracing import Tracer
from simulators.crash_filesystem import CrashFilesystem, PowerFailure
from simulators.disk_image import Image
from simulators.faulty_filesystem import CallFault
from simulators.persistence import PROFILES

WHY_NOT = unavailable()
needs_ptrace = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
PREAMBLE = """
import ctypes, errno, fcntl, mmap, os, sys
_libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    found = _libc.syscall(ctypes.c_long(number), *arguments)
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found
def failure(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "none"
def opened(name, flags=os.O_RDWR):
    return os.open(name, flags, 0o600)
os.chdir(sys.argv[1])
"""


@dataclass(slots=True)
class Traced:
    """What a program came to."""

    disk: CrashFilesystem
    faults: DiskFaults
    directory: Path
    output: str = ""
    code: int | None = None
    """None: the power failed meanwhile, and it was killed."""

    @property
    def image(self) -> Image:
        """The directory."""
        return read_files(self.directory)

    @property
    def calls(self) -> dict[str, int]:
        """The calls of the disk that were made, but for reading."""
        return {k: n for k, n in self.faults.calls.items() if k not in ("read", "list")}

    @property
    def durable(self) -> Image:
        """What a power cut leaves that loses all it may."""
        self.disk.end()
        point = self.disk.points[-1]
        return {name: point.contents[inode] for name, inode in point.names.items()}


def traced(
    place: Path, script: str, image: Mapping[str, bytes] | None = None, *,
    faults: Sequence[CallFault] = (), power_fails_after: int | None = None,
    directories: Sequence[str] = (), policy: str = "",
) -> Traced:  # fmt: skip
    """Run the program to its end. Raises TracerRefusal; the directory and the disk are equal.

    `directories` are in the directory, too; `policy` is of a failing sync.
    """
    directory = place / "log"
    directory.mkdir()
    disk = CrashFilesystem(PROFILES["posix-min"], image or {})
    faulty = DiskFaults(disk, frozenset(directories))
    write_files(faulty, directory)
    if policy:
        faulty.arm_step(Fault("sync", policy=policy))
    for fault in faults:
        faulty.arm(fault)
    disk.fail_power(power_fails_after)
    found = Traced(disk, faulty, directory)
    process = TracedProcess(
        [sys.executable, "-S", "-E", "-c", PREAMBLE + script, str(directory)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    carrier = Carrier(directory, faulty)
    tracer = Tracer(process, carrier)
    try:
        while not tracer.step():
            pass
        found.code = process.popen.returncode
    except PowerFailure:
        process.kill()
        return found
    finally:
        process.kill()
        output, errors = process.popen.communicate()
        found.output = output.decode().strip()
        assert carrier.difference() == ""
    assert found.code == 0, errors.decode()
    return found
