"""Chooses which misbehaviour strikes which publish and which connection, and keeps the list.

Theory of operation. Each rule of the plan has its own random numbers, made from the seed, its
place in the plan and its name, and draws one at every publish (or connection), whatever else
strikes there. So the same plan gives the same choices for the same publishes, and adding a
rule at the end changes nothing for the others. Only `Random.random()` is used: Python
promises that sequence for all versions.

`fired` lists every strike, so that a test can see that the fault it asked for really
happened, and where. It is for tests and stops growing at a limit; `fired_count` goes on.

Not here: what a misbehaviour does (broker_misbehaviour.py).

Spec: SIM-1.2.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from simulators.broker_fault_text import fault_text
from simulators.broker_faults import MISBEHAVIOURS, FaultPlan, FaultRule, Place, When

FIRED_LISTED_MAX: Final = 100_000
_STRIKES_FIRST: Final = (When.AT, When.PERCENT, When.ALWAYS)


@dataclass(frozen=True, slots=True)
class Strike:
    """One choice: this rule hit this connection, and this number of this log if a publish."""

    rule: FaultRule
    ordinal: int
    """The how-manieth publish or connection of the broker's life it was."""
    connection: int
    log_id: bytes
    sequence: int | None = None

    def __str__(self) -> str:
        where = f"{self.rule.place.value} {self.ordinal}"
        number = "" if self.sequence is None else f" (sequence {self.sequence})"
        return f"{fault_text(self.rule)} at {where}{number}"

    @property
    def name(self) -> str:
        """The misbehaviour."""
        return self.rule.name

    @property
    def parameter(self) -> float:
        """The rule's parameter or the default. Only for a misbehaviour that takes one."""
        takes = MISBEHAVIOURS[self.rule.name].parameter
        assert takes is not None, self.rule
        return takes.default if self.rule.parameter is None else self.rule.parameter


class Dice:
    """The choices of one broker's life."""

    def __init__(self, plan: FaultPlan) -> None:
        self.publishes = 0
        self.connections = 0
        self.fired: list[Strike] = []
        self.fired_count: Counter[str] = Counter()
        self._seed = plan.seed
        self._armed_count = 0
        draws = [
            random.Random(f"{plan.seed} {index} {rule.name}").random
            for index, rule in enumerate(plan.rules)
        ]
        self._rules: dict[Place, list[_ArmedRule]] = {
            place: sorted(
                (
                    _ArmedRule(rule, draw)
                    for rule, draw in zip(plan.rules, draws, strict=True)
                    if rule.place is place
                ),
                key=lambda armed: _STRIKES_FIRST.index(armed.rule.when),
            )
            for place in Place
        }
        self._draw_byte: Final = random.Random(f"{plan.seed} bytes").random

    def arm(self, rule: FaultRule) -> None:
        """Let one more thing go wrong, its K counted from now on."""
        count = self.publishes if rule.place is Place.PUBLISH else self.connections
        number = rule.number + count if rule.when is When.AT else rule.number
        draw = random.Random(f"{self._seed} armed {self._armed_count} {rule.name}").random
        self._armed_count += 1
        rules = self._rules[rule.place]
        rules.append(_ArmedRule(dataclasses.replace(rule, number=number), draw))
        rules.sort(key=lambda armed: _STRIKES_FIRST.index(armed.rule.when))

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        for rules in self._rules.values():
            rules.clear()

    @property
    def may_strike_publishes(self) -> bool:
        """Whether the plan has anything for a publish."""
        return bool(self._rules[Place.PUBLISH])

    def random_bytes(self, count: int) -> bytes:
        """Return bytes that depend on the seed and on how many were asked for before."""
        return bytes(int(self._draw_byte() * 256) for _ in range(count))

    def at_publish(
        self, connection: int, log_id: bytes, sequence: int, impossible: frozenset[str] | None
    ) -> Strike | None:
        """Count a publish, and return what strikes it: nothing that is in `impossible`."""
        self.publishes += 1
        rule = self._choose(Place.PUBLISH, self.publishes, impossible or frozenset())
        if rule is None:
            return None
        return self._note(Strike(rule, self.publishes, connection, log_id, sequence))

    def at_connection(self, connection: int, log_id: bytes) -> Strike | None:
        """Count a connection, and return what strikes it."""
        self.connections += 1
        rule = self._choose(Place.CONNECTION, self.connections, frozenset())
        if rule is None:
            return None
        return self._note(Strike(rule, self.connections, connection, log_id))

    def _choose(self, place: Place, ordinal: int, impossible: frozenset[str]) -> FaultRule | None:
        # Every rule is asked, or the draws would depend on what else struck.
        wanting = [armed for armed in self._rules[place] if armed.wants(ordinal)]
        for armed in wanting:
            if armed.rule.name not in impossible:
                armed.is_spent = armed.rule.when is When.AT
                return armed.rule
        return None

    def _note(self, strike: Strike) -> Strike:
        self.fired_count[strike.name] += 1
        if len(self.fired) < FIRED_LISTED_MAX:
            self.fired.append(strike)
        return strike


class _ArmedRule:
    """A rule, and whether it has struck for the last time."""

    def __init__(self, rule: FaultRule, draw: Callable[[], float]) -> None:
        self.rule = rule
        self.is_spent = False
        self._draw = draw

    def wants(self, ordinal: int) -> bool:
        """Return whether the rule would strike here."""
        if self.rule.when is When.PERCENT:
            return self._draw() * 100 < self.rule.number
        return not self.is_spent and ordinal >= self.rule.number
