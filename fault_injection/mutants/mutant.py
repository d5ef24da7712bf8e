"""What a mutant is: a mistake that an engineer could make, as a small patch of the source.

A patch names text that stands exactly once in its module, so that it reads as a diff and
fails loudly when the module has moved on. Imports nothing of what is patched.

Spec: SCN-3.1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patch:
    """Some text of a module, and what stands there instead."""

    old: str
    new: str
    module: str = ""
    """Where, if it is not the module of the mutant."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake. It is found by one of its tests at least, and by its scenarios."""

    name: str
    mistake: str
    """What was got wrong, in a sentence that begins with what is done."""
    module: str
    patches: tuple[Patch, ...]
    found_by: tuple[str, ...]
    """Tests that fail under it, the fastest first, by their pytest IDs."""
    scenarios: tuple[str, ...] = ()
    """Scenarios that find it, the fastest first; none if no scenario does yet."""
    trap: str = ""
    """T1 to T20, if it is the naive rule of one."""

    @property
    def modules(self) -> frozenset[str]:
        """Every module that is changed."""
        return frozenset(patch.module or self.module for patch in self.patches)

    def as_text(self) -> str:
        """Return all there is to say about it, with the lines that are changed."""
        trap = f" (trap {self.trap})" if self.trap else ""
        lines = [f"{self.name}: {self.mistake}{trap}", ""]
        for patch in self.patches:
            lines.append(f"in {patch.module or self.module}")
            lines += [f"  - {line}" for line in patch.old.splitlines()]
            lines += [f"  + {line}" for line in patch.new.splitlines()]
            lines.append("")
        lines.append("found by " + ", ".join((*self.scenarios, *self.found_by)))
        return "\n".join(lines)
