"""The broker as a program: its socket, its record, its options, and being killed. Spec: SIM-1.3."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference.events import EventType
from reference.json_lines import decode_json_line
from reference.link_messages import (
    Acknowledge,
    Error,
    Goodbye,
    Hello,
    Ping,
    Pong,
    Publish,
    Refuse,
    Welcome,
)
from reference.timestamps import parse_rfc3339
from simulators.broker import EXIT_FAILED, EXIT_OK, EXIT_USAGE, EXIT_VIOLATIONS, main
from simulators.broker_faults import MISBEHAVIOURS
from simulators.broker_memory import BrokerMemory, ReceivedEvent
from simulators.broker_record import BrokerRecord, RecordError, encode_received_line
from tests.broker_helpers import (
    DEADLINE_S,
    LOG,
    OTHER_LOG,
    ROOT,
    BrokerProcess,
    Socket,
    broker_process,
    publish,
)

ENDED = "events recorded, "


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory with a short name: a socket's path has at most 107 bytes."""
    short = Path("/tmp") / f"broker-{os.getpid()}-{tmp_path.name[-20:]}"
    short.mkdir(mode=0o700)
    yield short
    shutil.rmtree(short)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, which it finds by itself."""
    return subprocess.run(
        [sys.executable, "-B", "-m", "simulators.broker", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


# ---- Serving ------------------------------------------------------------------


@pytest.mark.req("SIM-1.3", "LNK-1.1")
def test_events_are_recorded_before_they_are_acknowledged(directory: Path) -> None:
    with broker_process(directory, "--window", "8") as broker:
        assert stat.S_IMODE(broker.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(broker.received.stat().st_mode) == 0o600
        with broker.connect() as link:
            assert link.hello() == Welcome(1, 8, 0)
            link.publish(1, 2, 5)
            assert link.hear() == Acknowledge(5)
            assert broker.sequences() == [1, 2, 5]
            link.say(Ping(3), Goodbye())
            assert link.hear() == Pong(3)
            assert link.hear() is None
        code, said = broker.end()
        assert code == EXIT_OK
        assert said.splitlines()[-1] == (
            "3 events recorded, 0 repeats dropped, 0 violations, 1 connections, 0 misbehaviours"
        )
        assert f"'procmond', log {LOG.hex()}, settled through 0" in said
        assert "connection 1: goodbye" in said
        assert not broker.path.exists()


@pytest.mark.req("SIM-1.3")
def test_a_line_of_the_record_has_the_whole_event(directory: Path) -> None:
    big = publish(2**60, EventType.STOP)
    with broker_process(directory, "--quiet") as broker, broker.connect() as link:
        link.hello()
        link.say(big)
        assert link.hear() == Acknowledge(2**60)
        (line,) = map(json.loads, broker.received.read_text().splitlines())
    assert list(line) == ["log_id", "client_id", "sequence", "topic", "timestamp", "event"]
    assert (line["log_id"], line["client_id"]) == (LOG.hex(), "procmond")
    assert (line["sequence"], line["topic"]) == (str(2**60), "events.process.stop")
    assert parse_rfc3339(line["timestamp"]) == big.entry.timestamp_ns
    assert decode_json_line(json.dumps(line["event"]), 1) == big.entry.event


@pytest.mark.req("SIM-1.3", "SIM-1.1")
def test_many_connectors_at_once_each_get_their_own_answers(directory: Path) -> None:
    logs = [bytes([number]) * 16 for number in range(1, 61)]
    with broker_process(directory, "--quiet") as broker:
        links = [broker.connect(log_id) for log_id in logs]
        for link in links:
            link.say(Hello(1, link.log_id.hex(), link.log_id, 0))
        assert [link.hear() for link in links] == [Welcome(1, 256, 0)] * len(links)
        for start in (1, 101, 201):
            for link in links:
                link.publish(*range(start, start + 100))
            for link in links:
                answer = Acknowledge(0)
                while answer != Acknowledge(start + 99):
                    heard = link.hear()
                    assert isinstance(heard, Acknowledge)
                    assert heard.through > answer.through
                    answer = heard
        for link in links:
            link.say(Goodbye())
            assert link.hear() is None
            link.socket.close()
        lines = [json.loads(line) for line in broker.received.read_text().splitlines()]
        for log_id in logs:
            mine = [line for line in lines if line["log_id"] == log_id.hex()]
            assert [line["sequence"] for line in mine] == [str(n) for n in range(1, 301)]
            assert {line["client_id"] for line in mine} == {log_id.hex()}
        code, said = broker.end()
    assert code == EXIT_OK
    assert said == (
        "18000 events recorded, 0 repeats dropped, 0 violations, 60 connections, 0 misbehaviours\n"
    )


@pytest.mark.req("SIM-1.3")
def test_subscribed_events_are_printed(directory: Path) -> None:
    with broker_process(directory, "--subscribe", "events.+.stop") as broker:
        with broker.connect() as link:
            link.hello()
            link.say(publish(1), publish(2, EventType.STOP), publish(3))
            link.hear()
        line = json.loads(broker.line())
        assert (line["sequence"], line["topic"]) == ("2", "events.process.stop")
        assert line["event"]["pid"] == 2
        broker.process.send_signal(signal.SIGTERM)
        assert broker.line() == ""


@pytest.mark.req("SIM-1.3")
def test_a_closed_standard_output_does_not_end_the_broker(directory: Path) -> None:
    with broker_process(directory, "--subscribe", "#") as broker, broker.connect() as link:
        assert broker.process.stdout is not None
        broker.process.stdout.close()
        link.hello()
        for sequence in (1, 2):
            link.publish(sequence)
            assert link.hear() == Acknowledge(sequence)
        broker.process.stdout = None
        assert broker.end()[0] == EXIT_OK


@pytest.mark.req("SIM-1.3", "LNK-4.1")
def test_a_breach_is_told_on_both_sides_and_in_the_exit_code(directory: Path) -> None:
    with broker_process(directory) as broker, broker.connect() as link:
        link.hello()
        link.publish(2, 1)
        assert link.hear() == Acknowledge(2)
        assert link.hear() == Error("LNK-3.1: Publish 1 after 2")
        assert link.hear() is None
        with broker.connect() as next_link:
            assert next_link.hello() == Welcome(1, 256, 2)
        code, said = broker.end(signal.SIGINT)
    assert code == EXIT_VIOLATIONS
    assert "violation: connection 1 ('procmond') broke LNK-3.1: Publish 1 after 2" in said
    assert "1 events recorded, 0 repeats dropped, 1 violations" in said


@pytest.mark.req("SIM-1.3", "LNK-1.2", "LNK-4.1")
def test_random_bytes_cost_only_their_own_connection(directory: Path) -> None:
    source = random.Random(11)
    with broker_process(directory, "--quiet") as broker:
        with broker.connect() as good:
            good.hello()
            for sequence in range(1, 101):
                with broker.connect() as bad:
                    if sequence % 2:
                        bad.hello()
                    bad.socket.sendall(source.randbytes(source.randrange(1, 400)))
                    bad.socket.shutdown(socket.SHUT_WR)
                    while bad.hear() is not None:
                        continue
                good.publish(sequence)
                assert good.hear() == Acknowledge(sequence)
            good.say(Goodbye())
            assert good.hear() is None
        code, said = broker.end()
    assert code == EXIT_VIOLATIONS
    assert said.startswith("100 events recorded")
    assert "Traceback" not in said


@pytest.mark.req("SIM-1.3")
def test_a_connector_that_never_reads_does_not_fill_the_brokers_memory(directory: Path) -> None:
    """Answers that nobody reads fill the pipe, and then the broker reads no more either."""
    with broker_process(directory, "--quiet") as broker, broker.connect() as link:
        link.hello()
        link.socket.setblocking(False)
        pings = b"".join(b"\x0c\0\0\0" + b"\x02\0\0\0" + bytes(8) for _ in range(4096))
        sent, offset = 0, 0
        with pytest.raises(BlockingIOError):
            while sent < 64 * 2**20:
                count = link.socket.send(pings[offset:])
                offset = (offset + count) % len(pings)
                sent += count
        with broker.connect(OTHER_LOG) as other:
            assert other.hello() == Welcome(1, 256, 0)
        # The full pipe may be a broker that is busy: it has to stay full.
        status = Path(f"/proc/{broker.process.pid}/status").read_text()
        (resident,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        assert int(resident.split()[1]) < 100_000  # kB
        assert broker.end()[0] == EXIT_OK


# ---- Misbehaving over a socket --------------------------------------------------


@pytest.mark.req("SIM-1.3", "SIM-1.2")
def test_misbehaviours_work_over_the_socket_and_are_told(directory: Path) -> None:
    options = [
        "--misbehave", "refuse@2", "--misbehave", "late-acknowledgement@3:0.05",
        "--misbehave", "slow-consumer@4:0.05", "--misbehave", "reset-before-acknowledgement@5",
    ]  # fmt: skip
    with broker_process(directory, *options) as broker:
        with broker.connect() as link:
            link.hello()
            link.publish(1, 2)
            assert link.hear() == Refuse(2, "refused by the fake broker at its publish 2")
            assert link.hear() == Acknowledge(1)
            link.publish(3)
            assert link.hear() == Acknowledge(3)
            link.publish(4)
            assert link.hear() == Acknowledge(4)
            link.publish(5)
            assert link.hear() is None
        with broker.connect() as link:
            assert link.hello() == Welcome(1, 256, 1)  # 2 may not be a dead letter yet
        assert broker.sequences() == [1, 3, 4, 5]
        code, said = broker.end()
    assert code == EXIT_OK
    assert "connection 1: refuse@2 at publish 2 (sequence 2)" in said
    assert "connection 1: reset by the broker" in said
    assert "4 misbehaviours" in said


@pytest.mark.req("SIM-1.3", "SIM-1.2")
def test_a_stalled_connection_is_not_read_and_stays_open(directory: Path) -> None:
    with broker_process(directory, "--misbehave", "stall@1") as broker:
        with broker.connect() as link:
            link.hello()
            link.publish(1)
            link.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                for _ in range(10_000):
                    link.socket.send(bytes(2**16))
            with pytest.raises(BlockingIOError):
                link.socket.recv(1)
        with broker.connect() as link:
            assert link.hello() == Welcome(1, 256, 0)
        assert broker.end()[0] == EXIT_OK


@pytest.mark.req("SIM-1.3", "SIM-1.2")
def test_not_listening_really_closes_the_socket_and_opens_it_again(directory: Path) -> None:
    with broker_process(directory, "--misbehave", "not-listening@1:1") as broker:
        with broker.connect() as other, broker.connect() as link:
            other.hello()
            link.hello()
            link.publish(1)
            assert link.hear() is None
            assert other.hear() is None
        assert listening_line(broker) == "not listening"
        with pytest.raises(OSError, match=r"No such file"):
            broker.connect()
        assert listening_line(broker) == "listening again"
        with broker.connect() as link:
            assert link.hello() == Welcome(1, 256, 0)
        assert broker.end()[0] == EXIT_OK


def listening_line(broker: BrokerProcess) -> str:
    """Return the first words of the next line on standard error that tells of listening."""
    assert broker.process.stderr is not None
    while True:
        line = broker.process.stderr.readline().decode()
        assert line, "the broker ended"
        words = " ".join(line.split()[:2])
        if words in ("not listening", "listening again"):
            return words


# ---- Being killed ---------------------------------------------------------------


@pytest.mark.req("SIM-1.3")
def test_killed_brokers_keep_their_record_and_drop_repeats(directory: Path) -> None:
    with broker_process(directory) as broker, broker.connect() as link:
        link.hello()
        link.publish(1, 2, 3)
        assert link.hear() == Acknowledge(3)
        broker.kill()
        assert link.hear() is None
    with broker_process(directory) as broker, broker.connect() as link:
        # Its socket was left behind, and is replaced.
        assert link.hello() == Welcome(1, 256, 3)
        link.publish(4)
        assert link.hear() == Acknowledge(4)
        # Another log, and a connector that does not look at what Welcome says.
        with broker.connect(OTHER_LOG) as other:
            assert other.hello() == Welcome(1, 256, 0)
        code, said = broker.end()
    assert code == EXIT_OK
    assert "3 events known" in said
    assert broker.sequences() == [1, 2, 3, 4]


@pytest.mark.req("SIM-1.3", "LNK-3.3")
def test_a_killed_broker_remembers_what_it_refused(directory: Path) -> None:
    """T4 with both sides dying: 2 is in neither a record nor a dead-letter file yet."""
    reason = "refused by the fake broker at its publish 2"
    with broker_process(directory, "--misbehave", "refuse@2") as broker, broker.connect() as link:
        link.hello()
        link.publish(1, 2, 3)
        assert link.hear() == Refuse(2, reason)
        assert link.hear() == Acknowledge(3)
        broker.kill()
    refused = directory / "received.jsonl.refused"
    assert [json.loads(line) for line in refused.read_text().splitlines()] == [
        {"log_id": LOG.hex(), "sequence": "2", "reason": reason}
    ]
    refused.write_bytes(refused.read_bytes() + b'{"log_id":"')  # torn by the kill
    with broker_process(directory) as broker:
        with broker.connect() as link:
            assert link.hello() == Welcome(1, 256, 1)
            link.publish(2, 3)
            assert link.hear() == Refuse(2, reason)
            assert link.hear() == Acknowledge(3)
        with broker.connect() as link:
            assert link.hello(settled_through=2) == Welcome(1, 256, 3)
        assert broker.sequences() == [1, 3]
        assert "cut off a last line of 11 bytes" in broker.end()[1]
    assert len(refused.read_text().splitlines()) == 1
    # One that is told to forget takes it, and from then on it is taken.
    with broker_process(directory, "--forget") as broker, broker.connect() as link:
        link.hello()
        link.publish(1, 2, 3)
        assert link.hear() == Acknowledge(3)
    with broker_process(directory) as broker, broker.connect() as link:
        assert link.hello() == Welcome(1, 256, 3)


@pytest.mark.req("SIM-1.3")
def test_with_forget_everything_is_taken_again(directory: Path) -> None:
    for expected in ([1, 2], [1, 2, 1, 2]):
        with broker_process(directory, "--forget") as broker, broker.connect() as link:
            assert link.hello() == Welcome(1, 256, 0)
            link.publish(1, 2)
            assert link.hear() == Acknowledge(2)
            broker.kill()
        assert broker.sequences() == expected
    with broker_process(directory) as broker, broker.connect() as link:
        assert link.hello() == Welcome(1, 256, 2)


@pytest.mark.req("SIM-1.3")
def test_brokers_killed_in_the_middle_of_writing_lose_nothing_acknowledged(
    directory: Path,
) -> None:
    """The same record survives many kills, each while a batch is being taken."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    source = random.Random(seed)
    sent = acknowledged = 0
    for _ in range(8):
        with broker_process(directory, "--quiet") as broker, broker.connect() as link:
            welcome = link.hello()
            assert isinstance(welcome, Welcome)
            assert acknowledged <= welcome.acknowledged_through <= sent
            acknowledged = sent = welcome.acknowledged_through
            kill_at = sent + source.randrange(200, 3000)
            is_killed = False
            while True:
                if not is_killed and sent >= kill_at:
                    broker.process.send_signal(signal.SIGKILL)
                    is_killed = True
                count = min(256 - (sent - acknowledged), source.randrange(1, 200))
                try:
                    link.publish(*range(sent + 1, sent + 1 + count))
                    sent += count
                    answer = link.hear()
                except BrokenPipeError:
                    answer = None
                    sent += count
                if answer is None:
                    break
                assert isinstance(answer, Acknowledge)
                acknowledged = answer.through
    with broker_process(directory, "--quiet"):
        sequences = broker.sequences()
    assert sequences == list(range(1, len(sequences) + 1))
    assert len(sequences) >= acknowledged


@pytest.mark.req("SIM-1.3")
def test_a_torn_last_line_is_cut_off_and_its_event_taken_again(directory: Path) -> None:
    received = directory / "received.jsonl"
    lines = [encode_received_line(received_event(number)) for number in (1, 2)]
    for cut in (1, len(lines[1]) // 2, len(lines[1]) - 1):
        torn = lines[1].encode()[:cut]
        received.write_bytes(lines[0].encode() + torn)
        with broker_process(directory, "--quiet") as broker, broker.connect() as link:
            assert link.hello() == Welcome(1, 256, 1)
            link.publish(2)
            assert link.hear() == Acknowledge(2)
            code, said = broker.end()
        assert code == EXIT_OK
        assert f"cut off a last line of {cut} bytes" in said
        assert received.read_text() == "".join(lines)


def received_event(sequence: int) -> ReceivedEvent:
    message = publish(sequence)
    return ReceivedEvent(LOG, "procmond", message.topic, message.entry)


# ---- The record by itself -------------------------------------------------------


@pytest.mark.req("SIM-1.3")
def test_a_record_is_read_back_in_pieces(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = directory / "received.jsonl"
    record = BrokerRecord(path)
    record.append([received_event(number) for number in range(1, 40)])
    record.close()
    monkeypatch.setattr("simulators.broker_record.READ_BYTES", 100)
    memory = BrokerMemory()
    record = BrokerRecord(path)
    assert record.read_back(memory) == 39
    assert record.cut_bytes == 0
    assert memory.log(LOG).accepted_through == 39
    assert memory.log_ids == [LOG]
    record.close()


@pytest.mark.req("SIM-1.3")
def test_a_write_that_is_cut_short_goes_on(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = directory / "received.jsonl"
    record = BrokerRecord(path)
    write = os.write
    monkeypatch.setattr("os.write", lambda descriptor, data: write(descriptor, data[:100]))
    record.append([received_event(1), received_event(2)])
    record.close()
    assert len(path.read_text().splitlines()) == 2
    assert path.read_text().endswith("\n")


@pytest.mark.req("SIM-1.3")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "line 2 is no record of this broker (JSONDecodeError"),
        ("{}", "KeyError('log_id')"),
        ("[]", "TypeError"),
        ("[" * 100_000, "RecursionError"),
        ('{"log_id":"00","sequence":"1"}', "log_id 00, sequence 1"),
        ('{"log_id":"' + "00" * 16 + '","sequence":"0"}', "sequence 0"),
        ('{"log_id":"' + "zz" * 16 + '","sequence":"1"}', "ValueError"),
        ("\xff", "line 2 is no record of this broker"),
    ],
)
def test_a_line_that_is_no_record_is_an_error_and_stays(
    directory: Path, line: str, said: str
) -> None:
    path = directory / "received.jsonl"
    content = encode_received_line(received_event(1)).encode() + line.encode("latin-1") + b"\n"
    path.write_bytes(content)
    record = BrokerRecord(path)
    with pytest.raises(RecordError) as caught:
        record.read_back(BrokerMemory())
    record.close()
    assert said in str(caught.value)
    assert "name another file" in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.req("SIM-1.3")
def test_a_file_without_lines_is_no_record(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = directory / "received.jsonl"
    path.write_bytes(b"x" * 5000)
    monkeypatch.setattr("simulators.broker_record.RECORD_LINE_BYTES_MAX", 1000)
    record = BrokerRecord(path)
    with pytest.raises(RecordError, match="a line of over 1000 bytes is no record"):
        record.read_back(BrokerMemory())
    record.close()
    assert path.stat().st_size == 5000


@pytest.mark.req("SIM-1.3")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_record_that_cannot_be_written_ends_the_broker_without_an_acknowledge(
    directory: Path,
) -> None:
    (directory / "received.jsonl").symlink_to("/dev/full")
    broker = BrokerProcess(directory, "--quiet")
    # /dev/full reads as zeros without end, which is no record either.
    code, said = broker.wait()
    assert code == EXIT_FAILED
    assert "is no record" in said
    assert not broker.path.exists()


@pytest.mark.req("SIM-1.3")
def test_a_full_disk_ends_the_broker_without_an_acknowledge(directory: Path) -> None:
    options = ["--socket", str(directory / "s"), "--received", str(directory / "r")]
    limited = (
        "import resource, signal, sys; from simulators.broker import main; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "sys.exit(main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-B", "-c", limited, *options],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == f"listening on {directory / 's'}\n"
    with Socket(directory / "s") as link:
        link.hello()
        link.publish(1)
        assert link.hear() == Acknowledge(1)
        link.publish(2, 3, 4)
        assert link.hear() is None
    _, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == EXIT_FAILED
    assert f"failed: {directory / 'r'}: cannot be written: File too large" in said
    # What was torn is cut off by the next one, and the connector sends it again.
    with broker_process(directory, "--received", str(directory / "r")) as broker:
        with broker.connect() as link:
            welcome = link.hello()
        assert isinstance(welcome, Welcome)
        assert 1 <= welcome.acknowledged_through < 4


# ---- What stands in the way -----------------------------------------------------


@pytest.mark.req("SIM-1.3")
def test_a_file_that_is_no_socket_is_left_alone(directory: Path) -> None:
    path = directory / "file"
    path.write_text("precious")
    done = run("--socket", str(path), "--received", str(directory / "r"))
    assert done.returncode == EXIT_FAILED
    assert done.stderr.startswith(f"failed: {path}: exists and is no socket; name another path")
    assert path.read_text() == "precious"


@pytest.mark.req("SIM-1.3")
def test_a_second_broker_at_the_same_place_is_refused(directory: Path) -> None:
    with broker_process(directory) as broker:
        same_socket = run("--socket", str(broker.path), "--received", str(directory / "other"))
        same_file = run("--socket", str(directory / "s"), "--received", str(broker.received))
        with broker.connect() as link:
            assert link.hello() == Welcome(1, 256, 0)
    assert (same_socket.returncode, same_file.returncode) == (EXIT_FAILED, EXIT_FAILED)
    assert "somebody listens there already; stop it, or name another path" in same_socket.stderr
    assert "another broker records to it; give each its own --received" in same_file.stderr


@pytest.mark.req("SIM-1.3")
@pytest.mark.parametrize(
    ("option", "path", "said"),
    [
        ("--socket", "missing/s", "cannot listen: No such file or directory"),
        ("--socket", "x" * 120, "cannot listen: AF_UNIX path too long"),
        ("--received", "missing/r", "cannot be opened: No such file or directory"),
        ("--received", ".", "cannot be opened: Is a directory"),
    ],
)
def test_a_place_that_cannot_be_used_is_named(
    directory: Path, option: str, path: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    options = {"--socket": str(directory / "s"), "--received": str(directory / "r")}
    options[option] = str(directory / path)
    assert main([text for pair in options.items() for text in pair]) == EXIT_FAILED
    assert capfd.readouterr().err == f"failed: {directory / path}: {said}\n"


# ---- Usage ----------------------------------------------------------------------


@pytest.mark.req("SIM-1.3", "SIM-1.2")
def test_help_lists_every_misbehaviour_with_its_effect(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    words = " ".join(text.split())
    for misbehaviour in MISBEHAVIOURS.values():
        assert f"\n  {misbehaviour.name} " in text
        assert " ".join(misbehaviour.effect.split()) in words
    assert max(map(len, text.splitlines())) <= 100
    assert "exit codes:" in text


@pytest.mark.req("SIM-1.3")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "the following arguments are required: --socket, --received"),
        (["--misbehave", "refuze@5"], "did you mean refuse?"),
        (["--misbehave", "refuse@0"], "behind @ a count from 1 on (refuse@5), not '0'"),
        (["--subscribe", "events.#.x"], "'#' is level 2 of 3, not the last"),
        (["--window", "0"], "window is 0; it must be from 1 to 4294967295"),
        (["--window", "-1"], "'-1' is not a number of events"),
        (["--window", "9" * 30], "is not a number of events"),
        (["--seed", "x"], "invalid int value: 'x'"),
    ],
)
def test_wrong_usage_teaches(
    options: list[str], said: str, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--socket", str(directory / "s"), "--received", str(directory / "r")]
    with pytest.raises(SystemExit) as caught:
        main([*places, *options] if options else [])
    assert caught.value.code == EXIT_USAGE
    assert said in capsys.readouterr().err
    assert list(directory.iterdir()) == []


@pytest.mark.req("SIM-1.3")
def test_a_closed_standard_stream_is_refused(directory: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -B -m simulators.broker --socket {directory}/s "
         f"--received {directory}/r >&-"],
        cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False,
    )  # fmt: skip
    assert done.returncode == EXIT_FAILED
    assert "a standard stream is closed; use /dev/null" in done.stderr
    assert list(directory.iterdir()) == []


@pytest.mark.req("SIM-1.1", "SIM-1.3")
def test_the_front_of_the_broker_drives_it_in_memory_too() -> None:
    """What the docstring of simulators.broker promises to import from there."""
    from simulators import broker

    assert {"FakeBroker", "BrokerConnection", "BrokerOptions", "FaultPlan", "main"} <= set(
        broker.__all__
    )
    assert isinstance(publish(1), Publish)
