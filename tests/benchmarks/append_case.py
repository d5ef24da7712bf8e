"""Durable append by batch size: the log, its peers, and raw write+fdatasync of the same bytes.

All start from `ProcessEvent`s and are timed until the batch is durable, so all encode, with the
same codec; raw writes alone have their bytes ready. A second table has two other conditions at
one batch size: bytes that are ready for everybody, and peers that encode as JSON.

The model is what a log costs that does nothing but its work: `1 / (t_cpu + t_sync / batch)`
events a second, where `t_cpu` is the processor time of an event in the largest batch, in which
what a batch costs by itself hardly counts, and `t_sync` the raw store's fdatasync of a batch of
the same bytes. Both are of the same round.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

from reference.codec import encode_event
from tests.benchmarks.events import payloads_of, typical_events
from tests.benchmarks.peers import Peer
from tests.benchmarks.results import OURS as LOG
from tests.benchmarks.results import CaseResult, Table, Target
from tests.benchmarks.rounds import Spent, Values, ratios, take_turns
from tests.benchmarks.settings import Settings
from tests.benchmarks.stores import OURS, Batch, LogStore, OverlappedLogStore, RawStore, Store

BATCHES_A_ROUND: Final = {1: 960, 8: 640, 64: 320, 512: 96}
"""By batch size: each about a quarter of a second."""
BATCHES_A_PIECE: Final = {1: 32, 8: 16, 64: 16, 512: 4}
OTHER_BATCH: Final = 64
POOL: Final = 512 * 32
"""Events that are stored again and again: a multiple of every batch size."""
BEST_PEER_AT_LEAST: Final = {1: 1.0, 8: 1.0, 64: 1.3, 512: 1.0}
MODEL_AT_LEAST: Final = 0.9

Act = Callable[[Store, Sequence[Batch]], object]


def run(settings: Settings) -> CaseResult:
    """Measure."""
    what = (
        "Each contestant makes the same batches durable, one synced write or transaction a batch, "
        "with files of its own on one disk. "
        f"Best peer: the fastest by the median that syncs every batch. "
        f"{OverlappedLogStore.name}: two threads, so that one encodes while the other's batch is "
        "synced."
    )
    result = CaseResult("append", "Durable append by batch size", what)
    rates = Table("Durable events a second", "events/s")
    model = Table("The model 1 / (t_cpu + t_sync / batch)", "events/s")
    other = Table(f"The same at batch {OTHER_BATCH}, under other conditions", "events/s")
    pool = typical_events(settings.scaled(POOL, 2 * max(BATCHES_A_ROUND)))
    for _ in settings.each_round("append"):
        syncs_s: dict[int, float] = {}
        cpu_s = 0.0
        for batch in BATCHES_A_ROUND:
            spent, count, syncs_s[batch] = _round(settings, OURS, pool, batch, _append_all)
            for name, each in spent.items():
                rates.add(name, setting_of(batch), count / each.wall_s)
            cpu_s = spent[LOG].thread_s / count  # of the largest, which comes last
        for batch, sync_s in syncs_s.items():
            model.add("model", setting_of(batch), 1 / (cpu_s + sync_s / batch))
        _other_conditions(settings, pool, other)
    ratio = settings.compared(rates, "The log's rate divided by the other's, in the same round")
    result.tables = [rates, ratio, model, other]
    result.targets = [*_peer_targets(settings, rates), *_raw_targets(rates, model)]
    return result


def setting_of(batch: int) -> str:
    """Return what the tables call a batch size."""
    return f"batch {batch}"


def _round(
    settings: Settings, ours: Sequence[type[Store]], pool: Batch, batch: int, act: Act
) -> tuple[dict[str, Spent], int, float]:
    """Return what each contestant took, for how many events, and raw's seconds a sync."""
    batches = [pool[start : start + batch] for start in range(0, len(pool), batch)]
    size = settings.scaled(BATCHES_A_PIECE[batch], 2)
    pieces = settings.scaled(BATCHES_A_ROUND[batch], 2) // size
    with settings.place() as directory, ExitStack() as open_stores:
        stores = []
        for contestant in (*ours, *settings.peers):
            store = contestant(directory / contestant.name.replace(" ", "-"))
            open_stores.callback(store.close)
            stores.append(store)
        raw = next(store for store in stores if isinstance(store, RawStore))
        raw.prepare(batches[: pieces * size])

        def turn_of(store: Store) -> Callable[[int], object]:
            def turn(piece: int) -> object:
                start = piece * size % len(batches)
                return act(store, batches[start : start + size])

            return turn

        turns = {store.name: turn_of(store) for store in stores}
        take_turns(turns, 1)  # what new files cost once
        raw.syncs_s.clear()
        spent = take_turns(turns, pieces)
    return spent, pieces * size * batch, statistics.fmean(raw.syncs_s)


def _append_all(store: Store, batches: Sequence[Batch]) -> None:
    store.append_all(batches)


# ---- Other conditions -------------------------------------------------------


def _other_conditions(settings: Settings, pool: Batch, table: Table) -> None:
    with_time = dict(zip(map(id, pool), payloads_of(pool), strict=True))
    without = {id(event): encode_event(event) for event in pool}

    def append_ready(store: Store, batches: Sequence[Batch]) -> None:
        ready = without if isinstance(store, LogStore) else with_time  # it adds the time itself
        for batch in batches:
            if isinstance(store, RawStore):
                store.append(batch)
            else:
                store.append_payloads([ready[id(event)] for event in batch])

    def append_json(store: Store, batches: Sequence[Batch]) -> None:
        for batch in batches:
            if isinstance(store, Peer):
                store.append_as_json(batch)
            else:
                store.append(batch)

    conditions = {"bytes are ready": append_ready, "peers store JSON": append_json}
    for setting, act in conditions.items():
        spent, count, _ = _round(settings, (LogStore, RawStore), pool, OTHER_BATCH, act)
        for name, each in spent.items():
            table.add(name, setting, count / each.wall_s)


# ---- Targets ----------------------------------------------------------------


def _peer_targets(settings: Settings, rates: Table) -> list[Target]:
    targets = []
    for batch, wanted in BEST_PEER_AT_LEAST.items():
        setting = setting_of(batch)
        best = rates.best(setting, settings.durable_peers())
        if best is not None:
            measured = _ratio(rates, LOG, best, setting)
            targets.append(Target(f"{setting}: the log / the best peer ({best})", wanted, measured))
    return targets


def _raw_targets(rates: Table, model: Table) -> list[Target]:
    raw, both = RawStore.name, OverlappedLogStore.name
    single = Target("batch 1: the log / raw writes", 0.95, _ratio(rates, LOG, raw, setting_of(1)))
    shared = Target("batch 64: the log, 2 callers / raw writes", 0.8,
                    _ratio(rates, both, raw, setting_of(64)))  # fmt: skip
    models = [
        Target(
            f"{setting}: the log / the model", MODEL_AT_LEAST,
            ratios(rates.values(LOG, setting), model.values("model", setting)),
        )
        for setting in map(setting_of, BATCHES_A_ROUND)
    ]  # fmt: skip
    return [single, shared, *models]


def _ratio(rates: Table, ours: str, theirs: str, setting: str) -> Values:
    return ratios(rates.values(ours, setting), rates.values(theirs, setting))
