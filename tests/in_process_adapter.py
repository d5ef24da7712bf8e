"""The reference behind the protocol without a process: replies can be changed on their way.

adapter = InProcessAdapter(lambda op, reply: ...)      # the reply without its id, or None
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from fault_injection.ports import reference_adapter
from fault_injection.ports.adapter import Adapter
from fault_injection.ports.protocol import parse_reply

Reply = dict[str, Any]


class InProcessAdapter(Adapter):
    """Every reply is checked as one that came from a process."""

    def __init__(
        self, change: Callable[[str, Reply], Reply | None] = lambda op, reply: None,
        without: str = "",
    ) -> None:  # fmt: skip
        """`change` returns another reply, or None; `without` is a capability that is not said."""
        self._change = change
        self._without = without
        self.process: Any = SimpleNamespace(returncode=None)
        self.asked: list[str] = []
        reference_adapter._log.clear()
        self.hello = self._say_hello()

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        self.asked.append(op)
        request = json.loads(json.dumps({"op": op, **fields}))
        reply = json.loads(json.dumps(reference_adapter.answer(request)))
        if op == "hello":
            has = reply["ok"]["capabilities"]
            reply["ok"]["capabilities"] = [each for each in has if each != self._without]
        reply = self._change(op, reply) or reply
        return self._answer(op, parse_reply(json.dumps({"id": 1, **reply}).encode() + b"\n", op, 1))
