"""Switches a mutant on: its modules are patched as they are imported.

    install("sync-tried-again")     before anything of `reference` is imported

Theory of operation. A finder at the head of `sys.meta_path` answers for the patched modules
only, and gives them a loader that changes the source text and otherwise is Python's own. No
bytecode of a patched module is read or written, so a mutant outlives its process in no cache.
It stays on until the process ends: half a process with the mistake would show nothing.

Imports nothing of `reference` or `simulators`: it has to run before them.

Spec: SCN-3.1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from fault_injection.errors import UsageError
from fault_injection.mutants.mutant import Mutant

ENVIRONMENT: Final = "PROCMOND_MUTANT"
"""Names the mutant that a test run, and every Python that it starts, has switched on."""

ROOT: Final = Path(__file__).parents[2]


class StalePatch(UsageError):
    """The text that a mutant replaces is not in its module, or more than once."""

    def __init__(self, mutant: str, module: str, count: int, old: str) -> None:
        line = old.strip().splitlines()[0]
        super().__init__(
            f"mutant {mutant}: {module} has the text {line!r} ... {count} times, not once; "
            "the patch has to follow the module"
        )


def need_checkout() -> None:
    """Raise UsageError if the sources are not files: in the single file (SCN-2.4) they are none."""
    if not ROOT.is_dir():
        raise UsageError(
            f"a mutant needs a checkout: it changes sources that are files, and {ROOT} has none"
        )


def source_path(module: str) -> Path:
    """Return the file of a module of this checkout."""
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def patched(mutant: Mutant, module: str, source: str) -> str:
    """Return the module's source with the mistake in it. Raises StalePatch."""
    for patch in mutant.patches:
        if (patch.module or mutant.module) == module:
            count = source.count(patch.old)
            if count != 1:
                raise StalePatch(mutant.name, module, count, patch.old)
            source = source.replace(patch.old, patch.new)
    return source


class _Loader(SourceFileLoader):
    """Loads one module with the mistake in it."""

    def __init__(self, mutant: Mutant, name: str, path: str) -> None:
        super().__init__(name, path)
        self._mutant = mutant

    def get_data(self, path: str) -> bytes:
        source = super().get_data(path).decode()
        return patched(self._mutant, self.name, source).encode()

    def path_stats(self, path: str) -> Any:
        # Without them Python neither reads nor writes a cached compilation.
        raise OSError(f"no bytecode of {path}: it is patched")


class _Finder(MetaPathFinder):
    """Finds the patched modules, and nothing else."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.mutant.modules:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or found.origin is None:
            return found
        return spec_from_file_location(
            fullname, found.origin, loader=_Loader(self.mutant, fullname, found.origin)
        )


def switched_on() -> str:
    """Return the name of the mutant that is on in this process; empty if none is."""
    return next((each.mutant.name for each in sys.meta_path if isinstance(each, _Finder)), "")


def switch_on(mutant: Mutant) -> None:
    """Patch the mutant's modules when they are imported. Raises UsageError, StalePatch.

    UsageError: another mutant is on, it comes too late, or this is no checkout.
    """
    if (other := switched_on()) == mutant.name:
        return
    if other:
        raise UsageError(f"{other} is on already; a process has one mutant, until it ends")
    need_checkout()
    if early := sorted(mutant.modules & set(sys.modules)):
        raise UsageError(f"{early[0]} is imported already; a mutant has to come before it")
    for module in mutant.modules:  # a wrong patch is told now, not at some import
        patched(mutant, module, source_path(module).read_text())
    sys.meta_path.insert(0, _Finder(mutant))


def environment(name: str) -> dict[str, str]:
    """Return the environment in which every Python that is started has the mutant on."""
    result = dict(os.environ)
    startup = str(Path(__file__).with_name("startup"))
    result[ENVIRONMENT] = name
    others = [each for each in result.get("PYTHONPATH", "").split(os.pathsep) if each]
    result["PYTHONPATH"] = os.pathsep.join([startup, str(ROOT), *others])
    return result
