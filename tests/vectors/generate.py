"""Writes the files of test vectors. Deterministic: the same source gives the same bytes.

    python3 -m tests.vectors.generate               write them
    python3 -m tests.vectors.generate --check       write nothing; exit 1 if a file differs
    python3 -m tests.vectors.generate --register    also enter new IDs in registry.txt

What a vector expects is stated by hand in its module; the generator asks the reference and
refuses to write a vector that it does not fulfil, unless disagreements.py lists it. Why a
vector is interesting is asserted where it is built (one bit differs, a CRC does hold ...).

IDs are for ever: one that is not in registry.txt is refused without `--register`, and one
that is there and has no vector is refused always.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fault_injection.ports.vectors import content_of
from simulators.memory_filesystem import MemoryFilesystem
from tests import vector_tools
from tests.vectors import (
    backpressure_traps,
    backpressure_values,
    codec_errors,
    codec_timestamps,
    codec_values,
    crc_values,
    directories_acknowledgements,
    directories_ended,
    directories_forged,
    directories_headers,
    directories_identity,
    directories_moved,
    directories_readings,
    directories_recovered,
    directories_rotation,
    directories_rotten,
    directories_torn,
    frame_values,
    header_values,
    json_lines_values,
    link_errors,
    link_streams,
    link_values,
    name_values,
)
from tests.vectors.disagreements import DISAGREEMENTS
from tests.vectors.document import Vector, document, sorted_unique

HERE: Final = Path(__file__).parent
REGISTRY: Final = HERE / "registry.txt"

Source = Callable[[], Iterator[Vector]]

FILES: Final[dict[str, tuple[str, Sequence[Source]]]] = {
    "codec.json": ("codec", (codec_values.vectors, codec_errors.vectors, codec_timestamps.vectors)),
    "json_lines.json": ("json_lines", (json_lines_values.vectors,)),
    "crc.json": ("crc", (crc_values.vectors,)),
    "headers.json": ("headers", (header_values.vectors,)),
    "frames.json": ("frames", (frame_values.vectors,)),
    "names.json": ("names", (name_values.vectors,)),
    "link.json": ("link", (link_values.vectors, link_streams.vectors, link_errors.vectors)),
    "backpressure.json": (
        "backpressure",
        (backpressure_values.vectors, backpressure_traps.vectors),
    ),
    "directories_ended.json": ("directories", (directories_ended.vectors,)),
    "directories_torn.json": ("directories", (directories_torn.vectors,)),
    "directories_rotten.json": ("directories", (directories_rotten.vectors,)),
    "directories_forged.json": ("directories", (directories_forged.vectors,)),
    "directories_moved.json": ("directories", (directories_moved.vectors,)),
    "directories_rotation.json": ("directories", (directories_rotation.vectors,)),
    "directories_headers.json": ("directories", (directories_headers.vectors,)),
    "directories_identity.json": ("directories", (directories_identity.vectors,)),
    "directories_acknowledgements.json": (
        "directories",
        (directories_acknowledgements.vectors,),
    ),
    "directories_recovered.json": ("directories", (directories_recovered.vectors,)),
    "directories_readings.json": ("directories", (directories_readings.vectors,)),
}
"""File -> what kind of vectors it holds, and where they come from."""


class GeneratorError(Exception):
    """The vectors must not be written as they are."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 done, 1 different or refused, 2 usage."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.vectors.generate", description="Write the files of test vectors."
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if a file would change"
    )
    parser.add_argument(
        "--register", action="store_true", help="enter IDs that are new in registry.txt"
    )
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # recovery warns of every damage, which is the point here
    try:
        texts = documents()
        if options.register and not options.check:
            _register(ids_in(texts))
        _check_registry(ids_in(texts))
    except (GeneratorError, ValueError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    finally:
        logging.disable(logging.NOTSET)
    changed = [name for name, text in texts.items() if _current(HERE / name) != text]
    for name in changed:
        print(f"{name} differs" if options.check else f"{name} written")
        if not options.check:
            (HERE / name).write_text(texts[name])
    return 1 if options.check and changed else 0


def documents() -> dict[str, str]:
    """Return file name -> text. Raises GeneratorError if the reference disagrees."""
    texts = {}
    for name, (kind, sources) in FILES.items():
        vectors = [vector for source in sources for vector in source()]
        texts[name] = document(kind, vectors)
        for test in json.loads(texts[name])["tests"]:
            _ask_the_reference(kind, test)
    return texts


def ids_in(texts: Mapping[str, str]) -> list[str]:
    """Return every ID, sorted. Raises ValueError if one appears twice."""
    return sorted_unique(t["id"] for text in texts.values() for t in json.loads(text)["tests"])


def registered_ids() -> list[str]:
    """Return the IDs that were ever given."""
    return [line for line in REGISTRY.read_text().splitlines() if not line.startswith("#")]


def _ask_the_reference(kind: str, test: Mapping[str, Any]) -> None:
    if kind == "directories":
        filesystem = memory_directory(test["given"])
        answer = vector_tools.answer_directory(filesystem)
    else:
        answer = vector_tools.answer(kind, test["given"])
    agrees = answer == test["then"]
    if agrees == (test["id"] in DISAGREEMENTS):
        what = "is fulfilled, remove it from disagreements.py" if agrees else "is not fulfilled"
        raise GeneratorError(
            f"vector {test['id']} {what}\n  stated    {test['then']}\n  reference {answer}"
        )


def memory_directory(given: Mapping[str, Any]) -> MemoryFilesystem:
    """Return the directory of a vector in memory."""
    regular = {
        file["name"]: bytearray(content_of(file["parts"]))
        for file in given["files"]
        if file["kind"] == "regular"
    }
    irregular = {file["name"] for file in given["files"] if file["kind"] == "irregular"}
    return MemoryFilesystem(regular, irregular)


def _register(ids: Sequence[str]) -> None:
    known = set(registered_ids()) if REGISTRY.exists() else set()
    head = "# Every vector ID that was ever given. Lines are added by the generator, never removed."
    REGISTRY.write_text("\n".join([head, *sorted(known | set(ids))]) + "\n")


def _check_registry(ids: Sequence[str]) -> None:
    known = set(registered_ids()) if REGISTRY.exists() else set()
    if new := [each for each in ids if each not in known]:
        raise GeneratorError(f"{len(new)} IDs are new, use --register: {', '.join(new[:10])}")
    if gone := sorted(known - set(ids)):
        raise GeneratorError(f"IDs were given and have no vector: {', '.join(gone[:10])}")


def _current(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
