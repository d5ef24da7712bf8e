"""Profiles: what a port may say of itself, and what a run leaves to be shown for it.

    codec      the vectors of the codec; with the capability `bytes` those of frames and headers
    log        the codec, the vectors of directories, the contract, every scenario of the log,
               tiers T0 to T3
    connector  the black box
    full       all of it

A claim needs that everything in it passed: what is skipped, known, stopped or not run is left
to be shown. Spec: PRT-1.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fault_injection.ports.adapter import Adapter
from fault_injection.ports.black_box import SCENARIOS, run_box, run_command_of
from fault_injection.ports.contract import RuleResult, try_contract
from fault_injection.ports.vectors import VectorResult, try_vectors
from fault_injection.result import PortResult, ScenarioResult, Status
from fault_injection.runner import NOT_A_LOG

PROFILES: Final = {
    "codec": ("codec",), "log": ("codec", "log"), "connector": ("connector",),
    "full": ("codec", "log", "connector"),
}  # fmt: skip
_CODEC_FILES: Final = ("codec.json", "json_lines.json")
_BYTES_FILES: Final = ("crc.json", "names.json", "headers.json", "frames.json")
_TIERS: Final = ("T0", "T1", "T2", "T3")


def left_to_show(
    profile: str,
    port: PortResult,
    scenarios: Sequence[ScenarioResult],
    vectors: Sequence[VectorResult],
    box: Sequence[str],
    contract: Sequence[RuleResult],
) -> list[str]:
    """Return what a claim to the profile lacks; nothing if it holds.

    `box`: what was wrong in the scenarios of the black box.
    """
    needed = PROFILES[profile]
    found = [f"the capability {each}" for each in needed if each not in port.capabilities]
    if {"codec", "log"} & set(needed):
        files = (*_CODEC_FILES, *(_BYTES_FILES if "bytes" in port.capabilities else ()))
        mine = [each for each in vectors if "log" in needed or each.file in files]
        if not any(each.status == "passed" for each in mine):
            found.append("the vectors")
        found += [
            f"vector {each.id}: {each.status}" for each in mine
            if each.status not in ("passed", "not-applicable")
        ]  # fmt: skip
    if "log" in needed:
        found += [
            f"scenario {each.id}: {each.status.value}" for each in scenarios
            if each.status is not Status.PASSED and each.reason != NOT_A_LOG
        ]  # fmt: skip
        if not contract:
            found.append("the contract")
        found += [
            f"contract, {each.name}: {each.text}" for each in contract if each.status != "passed"
        ]  # fmt: skip
        found += [f"tier {t.name}: {t.reason}" for t in port.tiers if t.name in _TIERS and t.reason]
    if "connector" in needed:
        found += [f"black box: {each}" for each in box]
    return found


def tried_for(
    profile: str, command: Sequence[str]
) -> tuple[list[VectorResult], list[str], list[RuleResult]]:
    """Put to the port what is no scenario of a run: vectors, black box, contract.

    Raises AdapterError.
    """
    needed = PROFILES[profile]
    vectors: list[VectorResult] = []
    with Adapter(command) as adapter:
        hello = adapter.hello
        if "codec" in needed:
            vectors = list(try_vectors(adapter))
    box: list[str] = []
    if "connector" in needed and "connector" in hello.capabilities:
        run = run_command_of(hello.limits)
        box = [f"{each.name}: {wrong}" for each in SCENARIOS if (wrong := run_box(run, each))]
    contract: list[RuleResult] = []
    if "log" in needed and "log" in hello.capabilities:
        contract = list(try_contract(command))
    return vectors, box, contract
