"""Random histories, random damage and kill -9 against the port. Standard library only.

`python3 tests/ports/rust/fuzz.py PROGRAM [--rounds N] [--seed S] [kill|damage]`

damage: write a log of some small files, damage it (flip, cut, zero, delete, duplicate, swap, garbage),
recover twice. kill: append, acknowledge, refuse; kill -9 at a random moment; recover; go on in the
same directory. Checked: the program answers and ends; entries are a subset of what was appended, in
order, byte for byte, none acknowledged durably comes back twice; every number is an entry, settled, or
reported; a second recovery gives the same; memory stays bounded.
"""

import random
import resource
import shutil
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from check_vectors import Adapter  # noqa: E402


def text(value):
    return struct.pack("<Q", len(value)) + value


def event(rng, pid, size=None):
    name = bytes(rng.choice(b"abcdefgh") for _ in range(rng.choice([0, 3, 40, 400]) if size is None else size))
    return (struct.pack("<II", 0, pid & 0xFFFFFFFF) + b"\0" + text(name) + b"\0" + struct.pack("<Q", 0)
            + b"\0" * 6 + b"\1\1" + struct.pack("<QI", 1_700_000_000, 0) + b"\0").hex()


def covered(report):
    spans = []
    for damage in report["damages"]:
        if damage["first_sequence"] is not None:
            first = int(damage["first_sequence"])
            spans.append((first, first + int(damage["sequence_count"])))
    return spans


def check_recovered(result, model, where):
    """Is what came back explained by what was put in?"""
    numbers = [int(e["sequence"]) for e in result["entries"]]
    assert numbers == sorted(set(numbers)), (where, "order", numbers)
    for entry in result["entries"]:
        number = int(entry["sequence"])
        assert number in model, (where, "phantom", number)
        assert model[number] == entry["event"], (where, "other bytes", number)


def check_told(result, model, acknowledged, where):
    """Every number that was handed out and is gone is in the report (REP-1.2)."""
    report = result["report"]
    alive = {int(e["sequence"]) for e in result["entries"]} | {int(n) for n in result["dead_letters"]}
    spans = covered(report)
    for number in model:
        if number > acknowledged and number not in alive:
            assert any(a <= number < b for a, b in spans), (where, "silent", number, report)


def recover(command, directory, settings):
    adapter = Adapter(command)
    reply = adapter.ask("recover", dir=str(directory), settings=settings)
    adapter.end()
    return reply


def build(rng, command, directory, settings):
    """A log with some history; returns what was stored and how far it is acknowledged."""
    model, acknowledged = {}, 0
    for _ in range(rng.randrange(1, 4)):
        adapter = Adapter(command)
        reply = adapter.ask("open", dir=str(directory), settings=settings)
        assert "ok" in reply, reply
        for _ in range(rng.randrange(0, 25)):
            events = [event(rng, len(model) + i) for i in range(rng.randrange(1, 6))]
            numbers = adapter.ask("append_batch", events=events)["ok"]["sequences"]
            model.update({int(n): e for n, e in zip(numbers, events)})
            if rng.random() < 0.15 and model:
                acknowledged = max(acknowledged, rng.randrange(0, max(model) + 1))
                assert "ok" in adapter.ask("acknowledge", through=str(acknowledged))
        if rng.random() < 0.5:
            adapter.ask("close")
        else:
            adapter.process.kill()
        adapter.end_quietly()
    return model, acknowledged


def damage(rng, directory):
    done = []
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        files = [p for p in directory.iterdir() if p.is_file() and p.name != "procmond.lock"]
        if not files:
            break
        path = rng.choice(files)
        data = bytearray(path.read_bytes())
        kind = rng.choice(["flip", "flip", "flip", "cut", "zero", "garbage", "delete", "grow", "copy", "insert", "move"])
        at = rng.randrange(len(data) + 1)
        length = rng.choice([1, 20, 107, 300, 5000])
        if kind == "flip" and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == "cut":
            del data[at:]
        elif kind == "zero":
            data[at:at + length] = bytes(len(data[at:at + length]))
        elif kind == "garbage":
            part = len(data[at:at + length])
            data[at:at + part] = rng.randbytes(part)
        elif kind == "grow":
            data += rng.choice([bytes(length), rng.randbytes(length), bytes(data[at:at + length])])
        elif kind == "insert":
            data[at:at] = bytes(data[8192:8192 + length])
        elif kind == "delete":
            path.unlink()
            done.append((kind, path.name))
            continue
        elif kind in ("copy", "move"):
            target = directory / rng.choice(["procmond-00001.wal", "procmond-00009.wal", "procmond-00003.wal.new",
                                             "procmond.ack.new", "procmond.ack", "procmond.dead", "procmond-99999.wal"])
            target.write_bytes(data)
            if kind == "move" and target != path:
                path.unlink()
            done.append((kind, path.name, target.name))
            continue
        path.write_bytes(data)
        done.append((kind, path.name, at, length))
    return done


def same_again(first, second, where):
    assert first["entries"] == second["entries"], (where, "second recovery has other entries")
    if first["next_sequence"] != second["next_sequence"]:
        raise AssertionError((where, "next", first["next_sequence"], second["next_sequence"]))


def damage_round(rng, command, where):
    directory = Path(tempfile.mkdtemp(prefix="wal-fuzz-"))
    settings = {"rotation_bytes": rng.choice([9000, 12000, 30000]), "fixed": rng.randrange(1000)}
    try:
        model, acknowledged = build(rng, command, directory, settings)
        done = damage(rng, directory)
        where = (where, done)
        reply = recover(command, directory, settings)
        assert "ok" in reply or reply["error"]["code"] == "UnsupportedVersion", (where, reply)
        if "ok" not in reply:
            return
        check_recovered(reply["ok"], model, where)
        in_place = all(d[0] in ("flip", "zero", "garbage") for d in done)
        if in_place and reply["ok"]["report"]["segments"] and not reply["ok"]["report"]["damages_not_listed"]:
            check_told(reply["ok"], model, acknowledged, where)
        second = recover(command, directory, settings)
        assert "ok" in second, (where, second)
        same_again(reply["ok"], second["ok"], where)
        # What was not damaged away is there: count what is unexplained, if the log is still the same one.
        third = Adapter(command)
        opened = third.ask("open", dir=str(directory), settings=settings)
        number = int(third.ask("append", event=event(rng, 7))["ok"]["sequence"])
        assert number == int(reply["ok"]["next_sequence"]), (where, "next number", number)
        third.ask("close")
        third.end()
        assert opened["ok"]["report"]["entries"] == len(reply["ok"]["entries"]), where
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def kill_round(rng, command, where):
    directory = Path(tempfile.mkdtemp(prefix="wal-kill-"))
    settings = {"rotation_bytes": rng.choice([9000, 20000]), "acknowledge_count_max": rng.choice([1, 10, 1000])}
    model, maybe, settled_at_most, letters = {}, {}, 0, set()
    try:
        for turn in range(12):
            adapter = Adapter(command)
            timer = threading.Timer(rng.random() * 0.05, adapter.process.kill)
            timer.start()
            pending = None
            try:
                reply = adapter.ask("open", dir=str(directory), settings=settings)
                assert "ok" in reply, (where, reply)
                while True:
                    pending = None
                    events = [event(rng, rng.randrange(1 << 32)) for _ in range(rng.randrange(1, 9))]
                    pending = events
                    numbers = adapter.ask("append_batch", events=events)["ok"]["sequences"]
                    pending = None
                    for number, e in zip(map(int, numbers), events):
                        assert number not in model, (where, turn, "number twice", number)
                        model[number] = e
                    if rng.random() < 0.3:
                        through = rng.randrange(0, max(model) + 1)
                        settled_at_most = max(settled_at_most, through)
                        adapter.ask("acknowledge", through=str(through))
                    if rng.random() < 0.05:
                        number = rng.choice(list(model))
                        letters.add(number)
                        adapter.ask("refuse", sequence=str(number), reason="no")
            except (RuntimeError, BrokenPipeError, ValueError):
                pass
            timer.join()
            adapter.process.kill()
            adapter.end_quietly()
            reply = recover(command, directory, settings)
            assert "ok" in reply, (where, reply)
            result = reply["ok"]
            numbers = [int(e["sequence"]) for e in result["entries"]]
            for entry in result["entries"]:
                number = int(entry["sequence"])
                if number not in model:
                    assert pending and entry["event"] in pending, (where, turn, "phantom", number)
                    model[number] = entry["event"]
            check_recovered(result, model, (where, turn))
            for number in model:
                if number > settled_at_most and number not in letters:
                    assert number in numbers, (where, turn, "lost", number, result["report"])
            again = recover(command, directory, settings)["ok"]
            same_again(result, again, (where, turn))
            assert result["report"]["lost"] == "0", (where, turn, result["report"])
            # A torn batch may have left numbers that are burned now.
            floor = int(result["next_sequence"])
            assert not model or floor > max(model), (where, turn, "next", floor)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main(arguments):
    command = [arguments[0]]
    rounds = int(arguments[arguments.index("--rounds") + 1]) if "--rounds" in arguments else 100
    seed = int(arguments[arguments.index("--seed") + 1]) if "--seed" in arguments else 1
    which = [a for a in arguments if a in ("kill", "damage")] or ["damage", "kill"]
    start = time.time()
    for kind in which:
        for i in range(rounds if kind == "damage" else max(1, rounds // 10)):
            rng = random.Random(f"{kind}-{seed}-{i}")
            (damage_round if kind == "damage" else kill_round)(rng, command, (kind, seed, i))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"{kind}: good, {time.time() - start:.0f} s, largest process {peak // 1024} MiB")


if __name__ == "__main__":
    main(sys.argv[1:])
