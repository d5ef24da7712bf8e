"""A port with a mistake: the reference's adapter on a filesystem that leaves something out.

python3 -m tests.careless_adapter no-sync | no-directory-sync | dies-at-3 | skips-refuse | ...
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Callable

from fault_injection.ports import reference_adapter
from reference.os_filesystem import OsFilesystem


def command_with(mistake: str) -> tuple[str, ...]:
    """Return the command of this adapter with the mistake."""
    return (sys.executable, "-m", "tests.careless_adapter", mistake)


def _nothing(*_: object) -> None:
    """What is left out."""


def _careless(mistake: str) -> None:
    """Make the mistake."""
    if mistake in ("no-sync", "no-directory-sync"):
        # A file is synced by its name, the directory by the other call.
        name = "sync" if mistake == "no-sync" else "sync_directory"
        setattr(OsFilesystem, name, _nothing)
    elif mistake == "dies-at-3":
        reference_adapter.OPERATIONS["acknowledge"] = lambda **_: os._exit(3)
    elif mistake == "dies-in-recovery-of-2":
        reference_adapter.OPERATIONS["recover"] = _once(reference_adapter.recover)
    elif mistake == "skips-refuse":
        reference_adapter.SKIPPED["refuse"] = "not written yet"
    elif mistake == "acknowledges-too-much":
        right = reference_adapter.OPERATIONS["acknowledge"]
        reference_adapter.OPERATIONS["acknowledge"] = lambda through: right(
            str(reference_adapter.next_sequence() - 1)
        )
    elif mistake == "forgets-at-kill":
        right = reference_adapter.OPERATIONS["open"]
        reference_adapter.OPERATIONS["open"] = lambda dir, settings: right(_emptied(dir), settings)
    elif mistake == "maps":
        reference_adapter.OPERATIONS["open"] = _open_and_map
    else:
        raise SystemExit(f"no such mistake: {mistake}")


def _once(operation: Callable[..., dict[str, object]]) -> Callable[..., dict[str, object]]:
    """Do it once, and die at the second."""
    calls: list[dict[str, object]] = []

    def asked(**fields: object) -> dict[str, object]:
        calls.append(fields)
        return operation(**fields) if len(calls) == 1 else os._exit(3)

    return asked


def _emptied(directory: str) -> str:
    for name in os.listdir(directory):
        if name.endswith(".wal"):
            os.unlink(os.path.join(directory, name))
    return directory


def _open_and_map(dir: str, settings: dict[str, int]) -> dict[str, object]:
    """Open, and look at the newest file through memory that could be written to."""
    found = reference_adapter.open_log(dir, settings)
    path = max(each for each in os.listdir(dir) if each.endswith(".wal"))
    mmap.mmap(os.open(os.path.join(dir, path), os.O_RDWR), 1)
    return found


if __name__ == "__main__":
    _careless(sys.argv[1])
    reference_adapter.main()
