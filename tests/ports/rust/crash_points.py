"""Stops or fails the port at each system call in turn, with strace. Standard library only.

`python3 tests/ports/rust/crash_points.py PROGRAM`

1. Recovery is killed at its nth write, sync, rename, unlink ...; recovering again must give the same
   entries and a next number that is not lower (REC-9.2).
2. Each call fails once with EIO or ENOSPC while a history is played; then the directory is recovered:
   what returned is there, what was refused definitely is not, no number comes twice (ERR-1.2, WAL-1.2).
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from check_vectors import Adapter  # noqa: E402
from fuzz import build, event, recover  # noqa: E402

CALLS = ["pwrite64", "fsync", "fdatasync", "renameat2", "unlink", "ftruncate"]


def traced(program, call, what, when):
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:{what}:when={when}", program]


def prepare(rng, program, directory, settings):
    model, acknowledged = build(rng, [program], directory, settings)
    files = sorted(directory.glob("*.wal"))
    choice = rng.randrange(5)
    data = bytearray(files[-1].read_bytes())
    if choice == 1 and len(data) > 8300:
        files[-1].write_bytes(data[:-30])
    elif choice == 2:
        files[-1].write_bytes(data + rng.randbytes(300))
    elif choice == 3 and len(files) > 1:
        other = bytearray(files[0].read_bytes())
        other[0:128] = other[4096:4224] = bytes(128)
        files[0].write_bytes(other)
    elif choice == 4 and len(data) > 8500:
        data[8250] ^= 1
        files[-1].write_bytes(data)
    if rng.random() < 0.3:
        (directory / "procmond.ack").unlink()
    return model


def kill_in_recovery(rng, program, where):
    directory = Path(tempfile.mkdtemp(prefix="wal-points-"))
    settings = {"rotation_bytes": 12000, "fixed": rng.randrange(1000)}
    try:
        prepare(rng, program, directory, settings)
        copy = directory.with_name(directory.name + "-copy")
        shutil.copytree(directory, copy)
        wanted = recover([program], copy, settings)["ok"]
        points = 0
        for call in CALLS:
            for when in range(1, 40):
                shutil.rmtree(copy)
                shutil.copytree(directory, copy)
                adapter = Adapter(traced(program, call, "signal=KILL", when))
                try:
                    adapter.ask("recover", dir=str(copy), settings=settings)
                    alive = True
                except (RuntimeError, BrokenPipeError):
                    alive = False
                adapter.end_quietly()
                reply = recover([program], copy, settings)
                assert "ok" in reply, (where, call, when, reply)
                assert reply["ok"]["entries"] == wanted["entries"], (where, call, when)
                assert int(reply["ok"]["next_sequence"]) >= int(wanted["next_sequence"]), (where, call, when)
                points += 1
                if alive:
                    break
        return points
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(str(directory) + "-copy", ignore_errors=True)


def fail_in_history(rng, program, call, error, when, where):
    directory = Path(tempfile.mkdtemp(prefix="wal-errors-"))
    settings = {"rotation_bytes": 9000, "acknowledge_count_max": 5}
    stored, maybe, never = {}, {}, []
    through = 0
    burned = set()
    try:
        adapter = Adapter(traced(program, call, f"error={error}", when))
        opened = adapter.ask("open", dir=str(directory), settings=settings)
        if "ok" in opened:
            for i in range(14):
                events = [event(rng, rng.randrange(1 << 32)) for _ in range(3)]
                reply = adapter.ask("append_batch", events=events)
                numbers = reply["ok"]["sequences"] if "ok" in reply else reply["error"]["stored"]
                for n, e in zip(map(int, numbers), events):
                    assert n not in stored, (where, "twice", n)
                    stored[n] = e
                if "error" in reply:
                    rest = events[len(numbers):]
                    if reply["error"]["definite"]:
                        never += rest
                    else:
                        maybe.update({e: True for e in rest})
                if i % 5 == 4 and stored:
                    through = max(through, max(stored) - 4)
                    assert "ok" in adapter.ask("acknowledge", through=str(through)), where
                replay = adapter.ask("replay", after=str(through))
                assert "ok" in replay, (where, replay)
                got = {int(e["sequence"]): e["event"] for e in replay["ok"]["entries"]}
                wanted = {n: e for n, e in stored.items() if n > through}
                assert got == wanted, (where, i, sorted(got), sorted(wanted))
        adapter.process.kill()
        adapter.end_quietly()
        subprocess.run(["true"], check=False)
        result = recover([program], directory, settings)
        assert "ok" in result, (where, result)
        got = {int(e["sequence"]): e["event"] for e in result["ok"]["entries"]}
        for n, e in stored.items():
            if n > through:
                assert got.get(n) == e, (where, "lost", n, result["ok"]["report"])
        for n, e in got.items():
            assert stored.get(n, e) == e and e not in never, (where, "definite and there", n)
            assert n in stored or e in maybe, (where, "phantom", n)
        assert not stored or int(result["ok"]["next_sequence"]) > max(stored), where
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main(program):
    points = 0
    for i in range(8):
        points += kill_in_recovery(random.Random(i), program, ("kill", i))
    print(f"killed in recovery at {points} points: good")
    tries = 0
    for call in CALLS:
        for error in ("EIO", "ENOSPC"):
            for when in list(range(1, 22)) + ["3+", "6+", "3..9"]:
                fail_in_history(random.Random(f"{call}{when}"), program, call, error, when, (call, error, when))
                tries += 1
    for when in range(1, 12):
        fail_in_history(random.Random(when), program, "pwrite64", "EINTR", when, ("EINTR", when))
    print(f"{tries} failing calls: good")


if __name__ == "__main__":
    main(sys.argv[1])
