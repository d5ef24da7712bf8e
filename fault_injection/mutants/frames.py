"""Mistakes about bytes: what is checked before it is believed. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="no-crc",
        mistake="a body is believed once its header is: its CRC is not looked at",
        module="reference.frame",
        patches=(
            Patch(
                """\
        if crc32(body, crc) != CRC_RESIDUE:  # the body and its CRC, in one go
            break
""",
                "",
            ),
            Patch(
                "header.crc) == int(stored_crc)",
                "header.crc) >= 0 * int(stored_crc)",
            ),
        ),
        found_by=(
            "tests/test_headers_and_frames.py::test_frame_with_one_bit_flipped_does_not_verify",
        ),
        scenarios=("bitrot-body",),
    ),
    Mutant(
        name="length-unchecked",
        mistake="a length is believed although the CRC of its header does not hold",
        module="reference.frame",
        patches=(
            Patch(
                """\
    if crc != stored_crc:
        return None
    if not BODY""",
                "    if not BODY",
            ),
        ),
        found_by=(
            "tests/test_headers_and_frames.py::"
            "test_frame_header_with_any_bit_flipped_does_not_verify",
        ),
        scenarios=("bitrot-each-bit-header",),
    ),
    Mutant(
        name="crc-of-the-body-alone",
        mistake="the CRC of a frame covers neither its place nor its file: old bytes verify",
        trap="T8",
        module="reference.frame",
        patches=(
            Patch(
                "header_crc = crc32(_pack_checked(offset, sync_word, body_bytes, sequence), crc_seed)",
                "header_crc = crc32(_pack_checked(0, 0, body_bytes, sequence))",
            ),
            Patch(
                """\
        crc = crc32(_pack_checked(offset, sync_word, body_bytes, sequence), crc_seed)
        head =""",
                """\
        crc = crc32(_pack_checked(0, 0, body_bytes, sequence))
        head =""",
            ),
            Patch(
                "crc32(_CHECKED.pack(offset, stored_sync, body_bytes, sequence), key.crc_seed)",
                "crc32(_CHECKED.pack(0, 0, body_bytes, sequence))",
            ),
            Patch(
                """\
    if stored_sync != key.sync_word:
        return None
""",
                "",
            ),
            Patch(
                """\
        crc = crc32(_pack_checked(offset, sync_word, body_bytes, sequence), crc_seed)
        if crc != stored_crc or found_sync != sync_word:
""",
                """\
        crc = crc32(_pack_checked(0, 0, body_bytes, sequence))
        if crc != stored_crc:
""",
            ),
        ),
        found_by=(
            "tests/test_headers_and_frames.py::test_frame_at_another_offset_does_not_verify",
        ),
        scenarios=("misdirected-record",),
    ),
    Mutant(
        name="no-resynchronisation",
        mistake="a damaged record costs all that is behind it in its file: nobody searches on",
        trap="T12",
        module="reference.scanner",
        patches=(
            Patch(
                """\
            boundary = _find_boundary(window, offset, expected, numbering, key)
""",
                """\
            boundary: tuple[int, FrameHeader] | None = None
""",
            ),
        ),
        found_by=(
            "tests/test_damage_sweep.py::test_every_run_of_destroyed_records_costs_just_those",
        ),
        scenarios=("bitrot-each-bit-header",),
    ),
    Mutant(
        name="search-without-a-window",
        mistake="a search takes the next header that verifies, whatever number it has",
        trap="T12",
        module="reference.scanner",
        patches=(
            Patch(
                "if expected <= found.sequence <= numbering.most_at(expected, records_between):",
                "if expected + records_between >= 0:",
            ),
        ),
        found_by=("tests/test_vectors.py::test_directory_in_memory[dir-search-window-far-above]",),
        scenarios=("far-number",),
    ),
    Mutant(
        name="one-header",
        mistake="a file has one header: a rotten bit in it costs all its records",
        trap="T7",
        module="reference.directory",
        patches=(
            Patch(
                "COPY_OFFSETS: Final = (0, SECOND_COPY_OFFSET)",
                "COPY_OFFSETS: Final = (0,)",
            ),
        ),
        found_by=(
            "tests/test_damage_sweep.py::"
            "test_a_flip_of_every_bit_of_the_header_block_costs_no_record",
        ),
        scenarios=("rotten-segment-header",),
    ),
    Mutant(
        name="version-before-crc",
        mistake=(
            "the version of a header is looked at before its CRC: a rotten bit refuses the open"
        ),
        trap="T7",
        module="reference.segment_header",
        patches=(
            Patch(
                """\
    fields = data[: _FIELDS.size]
    (stored_crc,)""",
                """\
    fields = data[: _FIELDS.size]
    if int.from_bytes(data[8:10], "little") != VERSION_MAJOR:
        return UnsupportedHeader(int.from_bytes(data[8:10], "little"), 0)
    (stored_crc,)""",
            ),
        ),
        found_by=(
            "tests/test_headers_and_frames.py::"
            "test_damaged_header_of_another_version_is_damaged_and_not_unsupported",
        ),
        scenarios=("nul-filled",),
    ),
    Mutant(
        name="slots-in-one-place",
        mistake="the acknowledgement file has one slot, which is overwritten in place",
        trap="T13",
        module="reference.acknowledgement_slots",
        patches=(
            Patch(
                "return SLOT_OFFSETS[generation % 2]",
                "return SLOT_OFFSETS[0 * generation]",
            ),
        ),
        found_by=(
            "tests/test_acknowledgement_slots.py::test_generations_alternate_between_the_two_slots",
        ),
        scenarios=("acknowledgement-file-lost",),
    ),
)
