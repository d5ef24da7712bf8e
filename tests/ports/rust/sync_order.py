"""Reads the port's system calls (strace) and checks the order of writes, syncs, names and replies.

`python3 tests/ports/rust/sync_order.py PROGRAM`. Standard library only. Rules:

1. when an append is answered, every byte written to a segment was synced after it (WAL-1.1), and every
   name that was made was synced with the directory (WAL-3.1);
2. before a segment is unlinked, every write of the acknowledgement file and of other segments was
   synced, and so were new names (ACK-5.1, REC-7.1);
3. a file whose sync failed is never synced again (WAL-4.3);
4. a refusal is answered after the dead letter was synced (DLQ-1.1);
5. segments and copies are created exclusively (DSK-1.1).
"""

import os
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from check_vectors import Adapter  # noqa: E402
from fuzz import event  # noqa: E402

TRACE = "trace=openat,pwrite64,write,fsync,fdatasync,renameat2,unlink,ftruncate"


def play(program, directory, out, inject=()):
    command = ["strace", "-f", "-y", "-qq", "-s", "40", "-o", str(out), "-e", TRACE, *inject, program]
    rng = random.Random(1)
    settings = {"rotation_bytes": 12000, "acknowledge_count_max": 7, "fixed": 1}
    for turn in range(3):
        adapter = Adapter(command)
        if "ok" not in adapter.ask("open", dir=str(directory), settings=settings):
            break
        top = 0
        for i in range(12):
            reply = adapter.ask("append_batch", events=[event(rng, i, 300) for _ in range(4)])
            numbers = reply.get("ok", {}).get("sequences", [])
            top = max([top, *map(int, numbers)])
            if i == 5 and top:
                adapter.ask("refuse", sequence=str(top), reason="no")
            if i % 4 == 3 and top:
                adapter.ask("acknowledge", through=str(top - 1))
        if turn == 1:
            adapter.ask("close")
        adapter.ask("bye")
        adapter.end_quietly()
        yield out.read_text().splitlines()


def judge(lines, directory):
    dirty, names_dirty, poisoned, wrong = {}, False, set(), []
    created = set()  # since the directory was last synced: taking one of these back needs nothing
    base = str(directory)
    for line in lines:
        match = re.match(r"\d+\s+(\w+)\((.*)\)\s+= (-?\d+)", line)
        if not match:
            continue
        call, arguments, result = match.group(1), match.group(2), int(match.group(3))
        path = re.match(r"\d+<([^>]*)>", arguments)
        path = path.group(1) if path else None
        name = os.path.basename(path) if path and path.startswith(base + "/") else None
        if call == "openat" and "O_CREAT" in arguments and ".lock" not in arguments and result >= 0:
            names_dirty = True
            created.add(os.path.basename(re.search(r'"([^"]*)"', arguments).group(1)))
            if ".wal" in arguments and "O_EXCL" not in arguments:
                wrong.append("a segment was not created exclusively")
        elif call in ("pwrite64", "ftruncate") and name and (result > 0 or call == "ftruncate" and result == 0):
            dirty[name] = True
        elif call in ("fsync", "fdatasync"):
            if path == base and result == 0:
                names_dirty = False
                created.clear()
            elif name:
                if name in poisoned:
                    wrong.append(f"synced again after a failed sync: {name}")
                if result < 0:
                    poisoned.add(name)
                else:
                    dirty.pop(name, None)
        elif call == "renameat2" and result == 0:
            source, target = (os.path.basename(p) for p in re.findall(r'"([^"]*)"', arguments))
            if source in dirty:
                wrong.append(f"renamed before it was synced: {source}")
            dirty.pop(source, None)
            dirty.pop(target, None)
            poisoned.discard(target)
            names_dirty = True
        elif call == "unlink" and result == 0 and os.path.basename(arguments.strip('"')) in created:
            dirty.pop(os.path.basename(arguments.strip('"')), None)
        elif call == "unlink" and ".wal\"" in arguments and result == 0:
            for other in dirty:
                if other.endswith((".wal", ".ack")) and other not in poisoned:
                    wrong.append(f"a segment was unlinked before a sync of {other}")
            if names_dirty:
                wrong.append("a segment was unlinked before the names were synced")
            names_dirty = False  # its own name: only its return matters, and the next rule sees it
        elif call == "write" and arguments.startswith("1<") and '\\"ok\\"' in arguments:
            left = [n for n in dirty if not n.endswith(".ack.new") and n not in poisoned]
            if left:
                wrong.append(f"answered before a sync of {left}")
            if names_dirty:
                wrong.append("answered before the names were synced")
    return wrong


def main(program):
    wrong = []
    # Syncs of segments begin to fail at the nth; what fails first may also be another file's.
    failures = [f"fdatasync:error=EIO:when={n}" for n in (1, 2, 4, 9, 15)] + ["pwrite64:error=ENOSPC:when=5"]
    for inject in [(), *(("-e", f"inject={f}") for f in failures)]:
        directory = Path(tempfile.mkdtemp(prefix="wal-order-"))
        out = directory.with_suffix(".strace")
        try:
            for lines in play(program, directory / "log", out, inject):
                wrong += judge(lines, directory / "log")
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            out.unlink(missing_ok=True)
    for line in sorted(set(wrong)):
        print(line)
    print("order of syncs:", "wrong" if wrong else "good")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
