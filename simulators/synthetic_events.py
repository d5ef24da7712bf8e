"""Process events from a seed: the same seed gives the same bytes everywhere.

Theory of operation. A made-up machine runs a few programs. Each step either starts a
process, stops a live one or changes a live one, so that pids, start times and the order of
events make sense: no stop without a start, no two live processes with one pid.

Only `Random.random()` is used, and only + - * / on what it returns: Python promises that
sequence for all versions, but not that of `choice` or `gauss`, and `log` differs between C
libraries. Time starts at a fixed instant and never comes from a clock.

The sizes are those of real machines: half of the encoded events have less than 370
bytes, one in a hundred has more than 4 KiB, and a few have a command line of up to
128 KiB, which is the kernel's limit for one argument.

Not here: real processes (process_events.py).

Spec: EVT-3.2.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from reference.events import EventType, ProcessEvent
from reference.limits import KIB, NS_PER_S

EPOCH_NS: Final = 1_767_225_600 * NS_PER_S  # 2026-01-01T00:00:00Z
STEP_NS_MAX: Final = 20_000_000
"""Time between two events; 10 ms on average is a busy build machine."""
LIVE_MAX: Final = 400
PID_FIRST, PID_LAST = 300, 4_194_303  # as the kernel wraps, with 64-bit pid_max
ARGUMENT_BYTES_MAX: Final = 128 * KIB
TAIL_BYTES: Final = 40
"""Chance of a tail longer than n bytes is 40 / n: 1 in 100 beyond 4 KiB."""

Draw = Callable[[], float]  # Random.random


class _Program(NamedTuple):
    name: str
    path: str
    arguments: tuple[str, ...]
    sha256: str


def _program(name: str, path: str, *arguments: str) -> _Program:
    return _Program(name, path, arguments, hashlib.sha256(path.encode()).hexdigest())


_USUAL: Final = (
    _program("sshd", "/usr/sbin/sshd", "-D", "-R"),
    _program("bash", "/usr/bin/bash", "--login", "-c", "make --jobs=8 check"),
    _program("cc1", "/usr/libexec/gcc/x86_64-linux-gnu/13/cc1", "-quiet", "-O2", "-o", "-"),
    _program("python3", "/usr/bin/python3.11", "-m", "http.server", "--bind", "127.0.0.1"),
    _program("postgres", "/usr/lib/postgresql/16/bin/postgres", "-D", "/var/lib/postgresql/16"),
    _program("nginx", "/usr/sbin/nginx", "-g", "daemon off;"),
    _program("java", "/usr/lib/jvm/java-21-openjdk-amd64/bin/java", "-Xmx512m", "-jar", "app.jar"),
    _program("git", "/usr/bin/git", "fetch", "--prune", "--quiet", "origin"),
    _program("systemd-resolve", "/usr/lib/systemd/systemd-resolved"),
    _program("containerd-shim", "/usr/bin/containerd-shim-runc-v2", "-namespace", "moby"),
    _program("cron", "/usr/sbin/cron", "-f", "-P"),
    _program("dpkg-query", "/usr/bin/dpkg-query", "--show", "--showformat=${Version}\\n"),
)
_NON_ASCII: Final = (
    _program("café-sync", "/opt/café/bin/café-sync", "--répertoire", "/home/zoë/été"),
    _program("журнал", "/usr/local/bin/журнал", "--файл", "/var/log/журнал.log"),
    _program("数据同步", "/opt/数据/bin/数据同步", "--目录", "/srv/数据"),
    _program("🦊-agent", "/opt/fox/🦊-agent", "--name=🦊", 'quote="\t\\'),
)
_FILLER: Final = "/usr/share/java/spring-core-6.1.jar:/usr/share/java/netty-4.1.jar:" * 4096


def synthetic_events(count: int, seed: int) -> Iterator[ProcessEvent]:
    """Yield `count` events, the same ones for the same seed. A seed is 0 or more."""
    draw: Draw = random.Random(seed).random
    time_ns = EPOCH_NS
    next_pid = PID_FIRST
    live: list[ProcessEvent] = []
    live_pids: set[int] = set()
    for _ in range(count):
        time_ns += int(draw() * STEP_NS_MAX)
        action = draw()
        # A little more starts than stops, so that the machine fills up to LIVE_MAX.
        if not live or (action < 0.46 and len(live) < LIVE_MAX):
            next_pid += 1 + int(draw() * 3)
            if next_pid > PID_LAST:
                next_pid = PID_FIRST
            while next_pid in live_pids:  # after the wrap; at most LIVE_MAX turns
                next_pid += 1
            event = _started(next_pid, time_ns, draw)
            live.append(event)
            live_pids.add(next_pid)
        elif action < 0.88:
            position = int(draw() * len(live))
            last, live[position] = live[position], live[-1]
            live.pop()
            live_pids.remove(last.pid)
            event = last._replace(event_type=EventType.STOP, timestamp_ns=time_ns)
        else:
            position = int(draw() * len(live))
            event = live[position] = _changed(live[position], time_ns, draw)
        yield event


def _started(pid: int, time_ns: int, draw: Draw) -> ProcessEvent:
    program = _pick_program(draw)
    is_readable = draw() < 0.96
    dice = int(draw() * 1000)
    return ProcessEvent(
        event_type=EventType.START,
        pid=pid,
        ppid=None if draw() < 0.02 else 1 + int(draw() * (pid - 1)),
        name=program.name,
        executable_path=program.path if is_readable else None,
        command_line=_command_line(program, draw) if is_readable else (),
        # A process is seen up to a second after its start.
        start_time_ns=None if draw() < 0.02 else time_ns - int(draw() * NS_PER_S),
        cpu_usage=None if draw() < 0.05 else round(draw() * draw() * 400, 2),
        memory_usage=None if draw() < 0.03 else (1 + int(draw() * draw() * 500_000)) * 4 * KIB,
        executable_hash=program.sha256 if is_readable and dice >= 300 else None,
        hash_algorithm="sha256" if is_readable and dice >= 300 else None,
        user_id=None if draw() < 0.02 else str(0 if draw() < 0.4 else 1000 + int(draw() * 20)),
        accessible=is_readable,
        file_exists=is_readable and draw() < 0.99,
        timestamp_ns=time_ns,
        platform_metadata=_metadata(dice) if dice < 50 else None,
    )


def _changed(last: ProcessEvent, time_ns: int, draw: Draw) -> ProcessEvent:
    """Return what `last` looks like after it executed another program."""
    program = _pick_program(draw)
    return last._replace(
        event_type=EventType.MODIFY,
        name=program.name,
        executable_path=program.path,
        command_line=_command_line(program, draw),
        executable_hash=program.sha256,
        hash_algorithm="sha256",
        accessible=True,
        file_exists=True,
        timestamp_ns=time_ns,
    )


def _pick_program(draw: Draw) -> _Program:
    programs = _NON_ASCII if draw() < 0.04 else _USUAL
    return programs[int(draw() * len(programs))]


def _command_line(program: _Program, draw: Draw) -> tuple[str, ...]:
    # 1 - draw() is above 0, so the division is safe.
    tail_bytes = min(int(TAIL_BYTES / (1 - draw())), ARGUMENT_BYTES_MAX)
    start = int(draw() * 64)
    return (program.path, *program.arguments, _FILLER[start : start + tail_bytes])


def _metadata(number: int) -> str:
    """Return canonical JSON text: keys sorted, no spaces."""
    return (
        f'{{"cgroup":"/system.slice/docker-{number:012x}.scope",'
        f'"namespaces":{{"mnt":{4_026_531_841 + number},"pid":{4_026_531_836 + number}}},'
        '"seccomp":null}'
    )
