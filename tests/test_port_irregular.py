"""What a port is shown of names that are no regular files, and of entries without a letter."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fault_injection.disk_faults import DiskFaults
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Append, Damage, Fault, Kill, Open
from fault_injection.plan import Plan
from fault_injection.ports.carrier import Carrier
from fault_injection.ports.opening import opened_subject
from fault_injection.ports.port_log import read_files, write_files
from simulators.crash_filesystem import CrashFilesystem
from simulators.persistence import PROFILES
from tests.port_helpers import REFERENCE
from tests.traced import needs_ptrace


def disk_with(irregular: str) -> DiskFaults:
    return DiskFaults(CrashFilesystem(PROFILES["strict"], {"a": b"1"}), {irregular})


@pytest.mark.req("PRT-2.1")
def test_something_irregular_is_a_directory_for_the_port(tmp_path: Path) -> None:
    write_files(disk_with("d"), tmp_path)
    assert (tmp_path / "d").is_dir()
    assert read_files(tmp_path) == {"a": b"1"}


@pytest.mark.req("PRT-2.1")
def test_a_name_that_one_side_alone_has_is_a_difference(tmp_path: Path) -> None:
    """Also of something irregular, which has no bytes: a socket of bind(2), say."""
    disk = disk_with("d")
    write_files(disk, tmp_path)
    carrier = Carrier(tmp_path, disk)
    assert carrier.difference() == ""
    os.mkfifo(tmp_path / "made")
    (tmp_path / "d").rmdir()
    assert carrier.difference() == "d, made: not as on the simulated disk"


@pytest.mark.req("PRT-2.1")
def test_a_link_does_not_go_over_something_irregular() -> None:
    """A rename without replacing may be link and unlink."""
    disk = disk_with("d")
    with pytest.raises(FileExistsError):
        disk.link("a", "d")
    assert disk.calls["rename_new"] == 1


@needs_ptrace
@pytest.mark.req("PRT-1.3", "REC-11.1")
def test_an_entry_that_waits_for_its_letter_is_not_gone() -> None:
    """The letter finds no room at open: reported with fate `none`, by its number."""
    steps = (Open(), Append(2), Kill(), Damage("undecodable", record=0),
             Fault("append", "ENOSPC", suffix="dead"), Open())  # fmt: skip
    with opened_subject(REFERENCE) as port:
        run = LogRun(Plan("port", "log", steps), port).run()
    assert run.fired
    assert run.broken is None
