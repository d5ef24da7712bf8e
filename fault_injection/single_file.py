"""Builds the kit as one file that runs wherever there is a Python: no checkout, no install.

    python3 -m fault_injection.single_file dist/procmond-faults.pyz
    python3 procmond-faults.pyz run --seed 7

Spec: SCN-2.4.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipapp
from pathlib import Path
from typing import Final

from fault_injection.spec_requirements import HASH_NAME, vectors_hash

PACKAGES: Final = ("fault_injection", "reference", "simulators")


def build(target: Path) -> None:
    """Write the file. Raises OSError."""
    root = Path(__file__).parents[1]
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for package in PACKAGES:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(root / package, Path(scratch) / package, ignore=ignored)
        # The vectors are not in the file; reports name the ones that it was built beside.
        (Path(scratch) / "fault_injection" / HASH_NAME).write_text(vectors_hash())
        zipapp.create_archive(
            scratch, target, interpreter="/usr/bin/env python3",
            main="fault_injection.__main__:exit_with_main", compressed=True,
        )  # fmt: skip


def main() -> int:
    """Build what the command line names."""
    if len(sys.argv) != 2:
        print("usage: python3 -m fault_injection.single_file FILE.pyz", file=sys.stderr)
        return 2
    target = Path(sys.argv[1])
    build(target)
    print(f"{target}: {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
