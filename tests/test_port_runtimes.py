"""A runtime with threads and ways to files of its own, traced: Node, with io_uring asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fault_injection.disk_faults import DiskFaults
from fault_injection.ports.carrier import Carrier
from fault_injection.ports.tracing import TracedAdapter
from simulators.crash_filesystem import CrashFilesystem
from simulators.persistence import PROFILES
from tests.traced import needs_ptrace

PROGRAM = """
const fs = require("fs/promises");
const lines = require('readline').createInterface({input: process.stdin});
const hello = {protocol: 1, name: 'x', language: 'JavaScript', version: '0', capabilities: ['log'],
               limits: {}, issues_url: ''};
lines.on('line', async text => {
  const {id, op} = JSON.parse(text);
  let ok = {hello, bye: {}, append: {sequence: '1'}}[op];
  if (op === 'append') {
    const file = await fs.open('a', 'ax');
    await Promise.all(['1', '2', '3'].map(each => file.write(each)));
    await file.sync();
    const place = await fs.open('.', 'r');
    await place.sync();
    await fs.copyFile('a', 'b');
    await fs.rename('b', 'c');
  }
  require('fs').writeSync(1, JSON.stringify({id, ok}) + '\\n');
  if (op === 'bye') process.exit(0);
});
"""


@needs_ptrace
@pytest.mark.req("PRT-2.1")
@pytest.mark.parametrize("wants_io_uring", ["0", "1"])
def test_a_runtime_falls_back_to_what_can_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wants_io_uring: str
) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine, so libuv is not tried")
    monkeypatch.setenv("UV_USE_IO_URING", wants_io_uring)
    monkeypatch.chdir(tmp_path)
    crashing = CrashFilesystem(PROFILES["posix-min"])
    disk = DiskFaults(crashing)
    with TracedAdapter([node, "-e", PROGRAM], Carrier(tmp_path, disk)) as adapter:
        assert adapter.ask("append", event="00") == {"sequence": "1"}
        adapter.goodbye()
    image = crashing.process_image()
    assert sorted(image["a"]) == sorted(b"123")
    assert image == {"a": image["a"], "c": image["a"]}
    assert (disk.calls["sync"], disk.calls["sync_directory"]) == (1, 1)
    crashing.end()
    assert set(crashing.points[-1].names) == {"a"}, "the copy was never synced"
