"""Histories of a log that a seed has drawn: every step, fault and crash after every other."""

from __future__ import annotations

import random
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import cuts
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Close,
    Drain,
    Fault,
    Heal,
    Kill,
    Open,
    Refuse,
    Replay,
)
from fault_injection.plan import Plan, Step
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import disk_of, log_plan

PROFILES = ("posix-min", "ext4-ordered", "btrfs", "xfs")
CALLS = ("create_exclusive", "append", "append", "overwrite", "sync", "sync", "sync_directory",
         "truncate", "read", "rename_new", "unlink")  # fmt: skip
ERRORS = ("ENOSPC", "EIO", "EINTR", "EMFILE", "EROFS")
LIVES = 4


def cases(effort: Effort) -> Iterator[Case]:
    """Four lives each, with the kinds of fault that this history draws; then it drains."""
    for number in range(effort.budget(260, 6000)):
        source = random.Random(effort.seed * 1_000_003 + number)
        plan = log_plan(
            "random-histories", profile=source.choice(PROFILES), seed=effort.seed,
            acknowledge_count_max=source.choice((1, 2, 1000)),
            rotation_bytes=8192 + source.choice((1, 200, 500)),
        )  # fmt: skip
        calls = source.sample(CALLS, 3)  # swarm: few kinds of fault in one history
        for _ in range(source.randint(2, LIVES)):
            plan = plan.then(*_life(source, calls))
            plan = plan.then(_end(source, plan, effort.seed))
        yield Case(plan.then(Open(), Drain()), twice=number % 4 == 0)


def _life(source: random.Random, calls: list[str]) -> list[Step]:
    steps: list[Step] = []
    if source.random() < 0.5:
        steps.append(_fault(source, calls))
    steps.append(Open())
    for _ in range(source.randint(1, 7)):
        draw = source.random()
        if draw < 0.5:
            steps.append(Append(source.randint(1, 3), source.choice((0, 0, 0, 150, 700))))
        elif draw < 0.7:
            steps.append(Acknowledge(source.randint(1, 4)))
        elif draw < 0.75:
            steps.append(Refuse())
        elif draw < 0.85:
            steps.append(_fault(source, calls))
        elif draw < 0.92:
            steps.append(Heal())
        else:
            steps.append(Replay())
    return steps


def _fault(source: random.Random, calls: list[str]) -> Fault:
    call = source.choice(calls)
    if call == "append" and source.random() < 0.4:
        return Fault(call, at=source.randint(1, 4), short=source.choice((1, 25, 130)))
    return Fault(
        call, source.choice(ERRORS), source.randint(1, 5), source.choice((1, 1, 2, 0)),
        policy=source.choice(("", "btrfs", "xfs")) if call == "sync" else "",
    )  # fmt: skip


def _end(source: random.Random, plan: Plan, seed: int) -> Step:
    draw = source.random()
    if draw < 0.2:
        return Close()
    if draw < 0.5:
        return Kill(source.choice((-1, source.randint(1, 30))))
    disk = disk_of(plan)
    moment = source.randrange(max(0, len(disk.points) - 12), len(disk.points))
    possible = list(cuts(disk, 8, seed, first=moment))
    return source.choice(possible)


SCENARIO = Scenario(
    name="random-histories",
    number=69,
    title="random histories with every fault",
    when="at any time: a seed draws appends, acknowledgements, refusals, errors, kills, power cuts",
    effect="several faults in one history, in orders that nobody thought of",
    contract="every promise of the log holds in every one of them, and each drains in the end",
    why="etcd's robustness tests found eight of their seventeen bugs in random histories",
    invariants=("I1", "I2", "I3", "I4", "I5", "I6", "I10", "I11", "I12"),
    requirements=("WAL-1.1", "WAL-1.2", "ACK-5.1", "REC-9.1", "ERR-1.2"),
    cases=cases,
    strikes=("kill", "power-cut", "sync EIO", "append short", "append ENOSPC"),
)
