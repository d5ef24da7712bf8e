"""Drives an adapter through the test vectors and compares exactly.

`python3 tests/ports/check_vectors.py PROGRAM [--verbose] [FILE...]` prints passed of how many by file.
`check(program)` returns the failures, for pytest. Only the standard library is used. The vectors of
link and backpressure are the connector's and do not apply. CRCs, names, headers, frames, timestamps and
lines need the capability `bytes`; an adapter that answers with `unsupported` is counted as skipped.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
NOT_OURS = {"link.json", "backpressure.json", "schema.json"}
FREE = {"detail", "degraded"}  # words for people: compared as empty or not, or not at all


class Skipped(Exception):
    pass


class Adapter:
    def __init__(self, command, environment=None, limit=None):
        """`limit`: the most bytes of a file; a write across it is a short one, the next is refused."""
        if limit:
            command = ["sh", "-c", f'trap "" XFSZ; exec prlimit --fsize={limit} "$@"', "sh", *command]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        )
        self.count = 0

    def ask(self, op, **fields):
        self.count += 1
        line = json.dumps({"id": self.count, "op": op, **fields}) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the adapter ended at {op}, code {self.process.wait()}")
        reply = json.loads(answer)
        assert reply["id"] == self.count, reply
        if "unsupported" in reply or "skipped" in reply:
            raise Skipped(op)
        return reply

    def end_quietly(self):
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except OSError:
                pass
        self.process.wait()

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


def joined(parts):
    out = b""
    for part in parts:
        if "hex" in part:
            out += bytes.fromhex(part["hex"])
        elif "zero_bytes" in part:
            out += bytes(part["zero_bytes"])
        else:
            out += bytes.fromhex(part["repeat_hex"]) * part["times"]
    return out


def as_vector(event):
    """A JSON Lines object in the spelling of the vectors."""
    memory = event["memory_usage"]
    return {**event, "memory_usage": None if memory is None else str(memory)}


def same(a, b):
    """Equal, and floats to the bit (-0.0); 2 and 2.0 are one number."""
    return repr(normal(a)) == repr(normal(b))


def normal(value):
    if isinstance(value, dict):
        return sorted((k, normal(v)) for k, v in value.items())
    if isinstance(value, list):
        return [normal(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 and str(value) != "-0.0":
        return str(int(value))
    return value


def expect(what, actual, wanted):
    return [] if same(actual, wanted) else [f"{what}: got {actual}, wanted {wanted}"]


def then_of(reply):
    """What an operation on bytes found; the whole reply if it is an error."""
    return reply.get("ok", {}).get("then", reply)


def codec(adapter, given, then):
    if given["type"] == "timestamp":
        reply = adapter.ask("timestamp", bytes=given["hex"])
        if "error" in then:
            return error(reply, then)
        return expect("timestamp", then_of(reply), then)
    reply = adapter.ask("decode", event=given["hex"])
    if "error" in then:
        return error(reply, then)
    if "ok" not in reply:
        return [f"refused: {reply}"]
    wrong = expect("value", as_vector(reply["ok"]["json"]), then["value"])
    back = adapter.ask("encode", json=reply["ok"]["json"])
    return wrong + expect("encoded", back.get("ok", back), {"event": then["encoded"]})


def error(reply, then):
    if "error" not in reply:
        return [f"not refused: {reply}"]
    found = reply["error"]
    wrong = expect("error", found["code"], then["error"])
    for name in ("offset", "field", "line_number"):
        if name in then and name in found:
            wrong += expect(name, found[name], then[name])
    return wrong


def json_lines(adapter, given, then):
    data = given["line"].encode() if "line" in given else bytes.fromhex(given["hex"])
    reply = adapter.ask("json_line", bytes=data.hex(), line_number=given["line_number"])
    if "error" in then:
        return error(reply, then)
    if "ok" not in reply:
        return [f"refused: {reply}"]
    ok = then_of(reply)
    wrong = expect("event", as_vector(ok["event"]), then["event"])
    return wrong + expect("rest", [ok["encoded"], ok["line"]], [then["encoded"], then["line"]])


def crc(adapter, given, then):
    data = joined(given["parts"]).hex()
    return expect("crc", then_of(adapter.ask("crc", bytes=data, continues=given["continues"])), then)


def headers(adapter, given, then):
    op = "header" if given["type"] == "segment-header" else "slot"
    return expect("header", then_of(adapter.ask(op, bytes=joined(given["parts"]).hex())), then)


def frames(adapter, given, then):
    ok = then_of(adapter.ask("frame", file_number=given["file_number"], salt=given["salt"],
                             offset=given["offset"], bytes=joined(given["parts"]).hex()))
    if "event" in ok:
        ok["event"] = as_vector(ok["event"])
    return expect("frame", ok, then)


def names(adapter, given, then):
    op = "segment_number" if "name" in given else "segment_name"
    return expect("name", then_of(adapter.ask(op, **given)), then)


def compare_report(report, wanted):
    wrong = []
    if set(report) != set(wanted):
        wrong.append(f"fields of the report: {sorted(report)}")
    for name in sorted(set(wanted) & set(report) - FREE - {"damages"}):
        if name == "log_id" and wanted[name] is None:
            if len(report[name]) != 32 or set(report[name]) == {"0"}:
                wrong.append(f"log_id of a new log: {report[name]}")
            continue
        wrong += expect(name, report[name], wanted[name])
    if bool(report["degraded"]) != bool(wanted["degraded"]):
        wrong.append(f"degraded: {report['degraded']!r}, wanted {wanted['degraded']!r}")

    def key(damage):
        return sorted((k, str(v)) for k, v in damage.items() if k != "detail")

    got = sorted(map(key, report["damages"]))
    want = sorted(map(key, wanted["damages"]))
    if got != want:
        short = lambda ds: [[v for _, v in d] for d in ds]
        wrong.append(f"damages:\n      got    {short(got)}\n      wanted {short(want)}")
    return wrong


def read_letters(directory):
    path = directory / "procmond.dead"
    if not path.is_file():
        return []
    letters = []
    for line in path.read_bytes().split(b"\n"):
        try:
            letter = json.loads(line[9:])
        except ValueError:
            continue
        letters.append({"log_id": letter["log_id"], "sequence": str(letter["sequence"]),
                        "payload": letter["payload"]})
    return letters


def directories(adapter, given, then):
    directory = Path(tempfile.mkdtemp(prefix="wal-vector-"))
    directory.chmod(0o700)
    try:
        for file in given["files"]:
            if file["kind"] == "irregular":
                (directory / file["name"]).mkdir()
            else:
                (directory / file["name"]).write_bytes(joined(file["parts"]))
        return opened(adapter, directory, then)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def replayed(adapter):
    reply = adapter.ask("replay", after="0")
    entries = []
    for entry in reply["ok"]["entries"]:
        event = adapter.ask("decode", event=entry["event"])["ok"]["json"]
        entries.append({"sequence": entry["sequence"], "ns": entry["timestamp_ns"], "event": as_vector(event)})
    return entries


def nanoseconds(text):
    from datetime import datetime

    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = (datetime.fromisoformat(whole) - datetime(1970, 1, 1)).days * 86400
    seconds += (datetime.fromisoformat(whole) - datetime(1970, 1, 1)).seconds
    return str(seconds * 10**9 + int((fraction or "0").ljust(9, "0")))


def opened(adapter, directory, then):
    reply = adapter.ask("open", dir=str(directory), settings={})
    if then["outcome"] == "refused":
        if "ok" in reply:
            adapter.ask("close")
            return [f"opened: {reply}"]
        return expect("error", reply["error"]["code"], then["error"])
    if "ok" not in reply:
        return [f"refused: {reply}"]
    wrong = compare_report(reply["ok"]["report"], then["report"])
    wanted = [{"sequence": e["sequence"], "ns": nanoseconds(e["timestamp"]), "event": e["event"]}
              for e in then["entries"]]
    entries = replayed(adapter)
    wrong += expect("entries", entries, wanted)
    adapter.ask("close")
    letters = {json.dumps(letter, sort_keys=True) for letter in read_letters(directory)}
    wanted_letters = {json.dumps(letter, sort_keys=True) for letter in then.get("dead_letters", [])}
    if letters != wanted_letters:
        wrong.append(f"dead letters: {letters}, wanted {wanted_letters}")
    before = contents(directory)
    again = adapter.ask("open", dir=str(directory), settings={})
    if "ok" not in again:
        return wrong + [f"second open refused: {again}"]
    wrong += expect("entries of the second open", replayed(adapter), wanted)
    next_sequence = adapter.ask("status")["ok"]["next_sequence"]
    wrong += expect("next number of the second open", next_sequence, then["report"]["next_sequence"])
    adapter.ask("close")
    changed = [n for n in set(before) | set(contents(directory)) if before.get(n) != contents(directory).get(n)]
    # Without an acknowledgement file there is no clean mark; an undecodable entry gets its line again.
    free = "procmond.dead" in changed or (directory / "procmond.ack").is_dir()
    if changed and not free:
        wrong.append(f"the second open changed {sorted(changed)}")
    return wrong


def contents(directory):
    return {p.name: p.read_bytes() if p.is_file() else None for p in directory.iterdir()}


KINDS = {"codec": codec, "json_lines": json_lines, "crc": crc, "headers": headers, "frames": frames,
         "names": names, "directories": directories}


def check(command, files=None, environment=None):
    """{file: (passed, skipped, count, {id: [what is wrong]})} of an adapter's command line."""
    results = {}
    adapter = Adapter(command, environment)
    for path in sorted(VECTORS.glob("*.json")):
        if path.name in NOT_OURS or files and path.name not in files and path.stem not in files:
            continue
        document = json.loads(path.read_text())
        wrong, skipped = {}, 0
        for test in document["tests"]:
            try:
                found = KINDS[document["kind"]](adapter, test["given"], test["then"])
            except Skipped:
                skipped += 1
                continue
            except (RuntimeError, AssertionError, KeyError, BrokenPipeError) as problem:
                found = [f"{type(problem).__name__}: {problem}"]
                adapter.process.kill()
                adapter.end_quietly()
                adapter = Adapter(command, environment)
            if found:
                wrong[test["id"]] = found
        count = len(document["tests"])
        results[path.name] = (count - len(wrong) - skipped, skipped, count, wrong)
    adapter.end()
    return results


def main(arguments):
    verbose = "--verbose" in arguments
    arguments = [a for a in arguments if a != "--verbose"]
    results = check(arguments[:1], arguments[1:])
    for name, (passed, skipped, count, wrong) in results.items():
        print(f"{name:40} {passed} of {count}" + (f", {skipped} skipped" if skipped else ""))
        for test, lines in wrong.items():
            print(f"  {test}")
            for line in lines if verbose else []:
                print(f"    {line[:2000]}")
    return 1 if any(r[3] for r in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
