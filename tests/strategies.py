"""Hypothesis strategies for events, and Faker-made events from a drawn seed."""

from __future__ import annotations

from faker import Faker
from hypothesis import strategies as st

from reference.events import U32_MAX, U64_MAX, EventType, ProcessEvent
from reference.timestamps import TIME_NS_MAX

texts = st.text(st.characters(codec="utf-8"), max_size=20)
times_ns = st.one_of(
    st.integers(0, TIME_NS_MAX),
    st.integers(0, 253_402_300_799).map(lambda seconds: seconds * 10**9),
    st.sampled_from((0, 1, 999, 1_000, 1_000_000, 10**9 - 1, TIME_NS_MAX)),
)
hashes = st.one_of(st.just((None, None)), st.tuples(texts, texts))


@st.composite
def events(draw: st.DrawFn) -> ProcessEvent:
    """Any event that is valid. Shrinks to one of empty and absent fields."""
    executable_hash, hash_algorithm = draw(hashes)
    return ProcessEvent(
        event_type=draw(st.sampled_from(EventType)),
        pid=draw(st.integers(0, U32_MAX)),
        ppid=draw(st.none() | st.integers(0, U32_MAX)),
        name=draw(texts),
        executable_path=draw(st.none() | texts),
        command_line=tuple(draw(st.lists(texts, max_size=4))),
        start_time_ns=draw(st.none() | times_ns),
        cpu_usage=draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        memory_usage=draw(st.none() | st.integers(0, U64_MAX)),
        executable_hash=executable_hash,
        hash_algorithm=hash_algorithm,
        user_id=draw(st.none() | texts),
        accessible=draw(st.booleans()),
        file_exists=draw(st.booleans()),
        timestamp_ns=draw(times_ns),
        platform_metadata=draw(st.none() | texts),
    )


def faker_event(seed: int) -> ProcessEvent:
    """A plausible event, the same for the same seed."""
    fake = Faker()
    fake.seed_instance(seed)
    path = fake.file_path(depth=3)
    return ProcessEvent(
        event_type=EventType(fake.random_int(0, 2)),
        pid=fake.random_int(1, 4_194_304),
        ppid=fake.random_int(1, 4_194_304),
        name=path.rsplit("/", 1)[-1],
        executable_path=path,
        command_line=(path, *fake.words(fake.random_int(0, 6))),
        start_time_ns=fake.random_int(1, 2_000_000_000) * 10**9,
        cpu_usage=fake.random_int(0, 10_000) / 100,
        memory_usage=fake.random_int(0, 2**34),
        executable_hash=fake.sha256(),
        hash_algorithm="sha256",
        user_id=str(fake.random_int(0, 65_535)),
        accessible=True,
        file_exists=fake.boolean(),
        timestamp_ns=fake.random_int(1, 2_000_000_000) * 10**9,
        platform_metadata=None,
    )
