"""Directed histories: one small check for each rule of the log that damage and kills do not show.

`python3 tests/ports/rust/histories.py PROGRAM`. Standard library only; strace for failing calls.
"""

import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from check_vectors import Adapter  # noqa: E402
from fuzz import event, recover  # noqa: E402

RNG = random.Random(5)
SMALL = {"rotation_bytes": 9000, "fixed": 3}


def events(count, size=100):
    return [event(RNG, i, size) for i in range(count)]


class Session:
    def __init__(self, program, settings=SMALL, inject=(), directory=None, limit=None):
        self.base = Path(tempfile.mkdtemp(prefix="wal-history-"))
        self.directory = directory or self.base / "log"
        self.settings = settings
        self.program = program
        command = [program]
        if inject:
            command = ["strace", "-f", "-qq", "-o", "/dev/null", *(x for i in inject for x in ("-e", f"inject={i}")), program]
        self.adapter = Adapter(command, limit=limit) if limit else Adapter(command)
        self.opened = self.ask("open", dir=str(self.directory), settings=settings)

    def ask(self, op, **fields):
        return self.adapter.ask(op, **fields)

    def append(self, count=1, size=100):
        return self.ask("append_batch", events=events(count, size))

    def status(self):
        return self.ask("status")["ok"]

    def numbers(self):
        return [int(e["sequence"]) for e in self.ask("replay", after="0")["ok"]["entries"]]

    def kill(self):
        self.adapter.process.kill()
        self.adapter.end_quietly()

    def recover(self):
        self.kill()
        reply = recover([self.program], self.directory, self.settings)["ok"]
        return [int(e["sequence"]) for e in reply["entries"]], reply


def refused_out_of_order(s):
    s.append(5)
    s.ask("refuse", sequence="4", reason="no")
    assert s.numbers() == [1, 2, 3, 5]
    assert s.status()["acknowledged_through"] == "0"


def refused_needs_a_letter(s):
    (s.directory / "procmond.dead").mkdir()
    s.append(3)
    reply = s.ask("refuse", sequence="2", reason="no")
    assert reply.get("error", {}).get("code") == "DeadLetterFailed", reply
    assert s.numbers() == [1, 2, 3]


def beyond_the_log(s):
    s.append(3)
    assert s.ask("acknowledge", through="4")["error"]["code"] == "AcknowledgedBeyondLog"
    assert s.numbers() == [1, 2, 3]


def refused_event_takes_no_number(s):
    s.append(1)
    assert "error" in s.ask("append", event="00")
    assert s.append(1)["ok"]["sequences"] == ["2"]


def batch_stays_in_its_file(s):
    s.append(100)
    for path in s.directory.glob("*.wal"):
        assert path.stat().st_size < 9000 + 250, path.stat().st_size


def salts_and_copies(s):
    s.append(30)
    headers = [p.read_bytes()[:8192] for p in s.directory.glob("*.wal")]
    assert len({h[52:60] for h in headers}) == len(headers) > 2
    assert all(h[:128] == h[4096:4224] for h in headers)


def one_holder(s):
    other = Adapter([s.program])
    reply = other.ask("open", dir=str(s.directory), settings={})
    other.end_quietly()
    assert reply.get("error", {}).get("code") == "Locked", reply


def mark_is_withdrawn(s):
    s.append(1)
    data = (s.directory / "procmond.ack").read_bytes()
    newest = max((data[:128], data[4096:4224]), key=lambda d: int.from_bytes(d[16:24], "little"))
    assert newest[56:60] == bytes(4)


def slots_alternate(s):
    s.append(30)
    for n in range(1, 30, 4):
        s.ask("acknowledge", through=str(n))
    data = (s.directory / "procmond.ack").read_bytes()
    a, b = (int.from_bytes(data[at + 16:at + 24], "little") for at in (0, 4096))
    assert abs(a - b) == 1 and a % 2 == 0, (a, b)


def close_saves_the_watermark(s):
    s.append(3)
    s.ask("acknowledge", through="2")
    s.ask("close")
    assert s.recover()[0] == [3]


def oldest_goes_first(s):
    s.append(40)
    before = s.status()["segments"]
    s.ask("acknowledge", through="12")
    after = s.status()["segments"]
    assert 0 < len(after) < len(before) and after == before[-len(after):], (before, after)
    numbers, reply = s.recover()
    assert numbers == list(range(13, 41)) and reply["report"]["damages"] == [], reply["report"]


def quota_holds(s):
    for _ in range(60):
        reply = s.append(3)
        if "error" in reply:
            break
    assert reply["error"]["code"] == "QuotaExceeded" and reply["error"]["definite"], reply
    next_number = int(s.status()["next_sequence"])
    s.ask("acknowledge", through=str(next_number - 1))
    assert s.append(1)["ok"]["sequences"] == [str(next_number)]


def write_refused(s):
    assert s.append(2)["ok"]["sequences"] == ["1", "2"]
    reply = s.append(1)
    assert reply["error"]["code"] == "DiskRejected" and reply["error"]["definite"], reply
    assert s.append(1)["ok"]["sequences"] == ["3"]
    assert len(s.status()["segments"]) == 2, "a file that was cut back is not appended to"
    assert s.recover()[0] == [1, 2, 3]


def write_refused_and_not_undone(s):
    s.append(2)
    reply = s.append(2)
    assert reply["error"]["code"] == "AppendIndefinite" and not reply["error"]["definite"], reply
    next_number = int(s.status()["next_sequence"])
    assert next_number >= 5, "as many are burned as 107 bytes are in the write"
    assert s.append(1)["ok"]["sequences"] == [str(next_number)]
    assert s.recover()[0] == [1, 2, next_number]


def sync_failed(s):
    s.append(2)
    reply = s.append(1)
    assert reply.get("error", {}).get("code") == "SyncFailed" and not reply["error"]["definite"], reply
    assert s.append(1).get("error", {}).get("code") == "LogFailed"
    assert s.numbers() == [1, 2]


def unclean_file_is_left(s):
    s.append(3)
    s.kill()
    path = s.directory / "procmond-00001.wal"
    path.write_bytes(path.read_bytes()[:-10])
    s.adapter = Adapter([s.program])
    s.ask("open", dir=str(s.directory), settings=s.settings)
    assert s.append(1)["ok"]["sequences"] == ["5"]  # 200 bytes may have held 3 and 4
    assert not path.exists(), "a file that was torn is not appended to"
    assert s.recover()[0] == [1, 2, 5]


def interrupted(s):
    s.append(2)
    assert s.append(1)["ok"]["sequences"] == ["3"]


def short_write(s):
    stored = []
    for _ in range(12):
        reply = s.append(1, 70)
        if "ok" in reply:
            stored += map(int, reply["ok"]["sequences"])
        else:
            assert reply["error"]["definite"], reply
    numbers, _ = s.recover()
    assert numbers == stored, (numbers, stored)


# pwrite64 calls before the second append: header, slots of a new file, mark withdrawn, first append.
HISTORIES = [
    (refused_out_of_order, {}), (refused_needs_a_letter, {}), (beyond_the_log, {}),
    (refused_event_takes_no_number, {}), (batch_stays_in_its_file, {}), (salts_and_copies, {}),
    (one_holder, {}), (mark_is_withdrawn, {}), (slots_alternate, {}), (close_saves_the_watermark, {}),
    (oldest_goes_first, {}), (unclean_file_is_left, {}),
    (quota_holds, {"settings": {**SMALL, "quarantine_bytes_max": 0, "quota_bytes": 40000}}),
    (write_refused, {"inject": ["pwrite64:error=ENOSPC:when=5"]}),
    (write_refused_and_not_undone, {"inject": ["pwrite64:error=ENOSPC:when=5", "ftruncate:error=EIO:when=1"]}),
    (sync_failed, {"inject": ["fdatasync:error=EIO:when=3"]}),
    (interrupted, {"inject": ["pwrite64:error=EINTR:when=5"]}),
    (short_write, {"settings": {}, "limit": 8900}),
]


def main(program):
    failed = []
    for history, options in HISTORIES:
        session = Session(program, **options)
        try:
            history(session)
        except (AssertionError, KeyError, RuntimeError, BrokenPipeError) as problem:
            failed.append(history.__name__)
            print(f"{history.__name__}: {type(problem).__name__} {str(problem)[:300]}")
        finally:
            session.kill()
            shutil.rmtree(session.base, ignore_errors=True)
    print(f"{len(HISTORIES) - len(failed)} of {len(HISTORIES)} histories good")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
