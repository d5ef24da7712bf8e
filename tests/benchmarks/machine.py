"""What the numbers were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.benchmarks.peers import Peer

DISTRIBUTIONS = {"persistqueue": "persist-queue"}
"""Where a module's distribution is not called like it."""


def machine(directory: Path, peers: Iterable[type[Peer]]) -> dict[str, str]:
    """Return the machine, the interpreter, the disk, and the versions of the peers."""
    return {
        "Python": sys.version.split()[0],
        "processors": f"{os.cpu_count()}, {_processor()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "disk": _filesystem(directory),
        "peers": ", ".join(f"{peer.name} {_version(peer)}" for peer in peers) or "none",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _filesystem(directory: Path) -> str:
    """Return type and options of the filesystem that holds the directory."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return "unknown"
    path = str(directory.resolve())
    holding = [mount for mount in mounts if f"{path}/".startswith(mount[1].rstrip("/") + "/")]
    device, _, kind, options, *_ = max(holding, key=lambda mount: len(mount[1]))
    return f"{kind} ({options}) on {device}"


def _version(peer: type[Peer]) -> str:
    if peer.module == "sqlite3":
        return sqlite3.sqlite_version
    return importlib.metadata.version(DISTRIBUTIONS.get(peer.module, peer.module))
