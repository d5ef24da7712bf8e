"""A port with a mistake: the reference's adapter on a filesystem that leaves something out.

python3 -m tests.careless_adapter no-sync | no-directory-sync | dies-at-3 | skips-refuse | ...
"""

from __future__ import annotations

import os
import sys

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
        reference_adapter.OPERATIONS["acknowledge"] = _map_something
    else:
        raise SystemExit(f"no such mistake: {mistake}")


def _emptied(directory: str) -> str:
    for name in os.listdir(directory):
        if name.endswith(".wal"):
            os.unlink(os.path.join(directory, name))
    return directory


def _map_something(**_: object) -> dict[str, object]:
    import mmap

    directory = next(each for each in os.listdir("/proc/self/fd") if _is_log(each))
    path = os.readlink(f"/proc/self/fd/{directory}")
    mmap.mmap(os.open(path, os.O_RDWR), 1)
    return {}


def _is_log(descriptor: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").endswith(".wal")
    except OSError:
        return False


if __name__ == "__main__":
    _careless(sys.argv[1])
    reference_adapter.main()
