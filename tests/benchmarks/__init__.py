"""How fast: the log and the connector beside other people's stores, in one run. Not a test.

`python -m tests.benchmarks.suite --help` says how to run it. In reading order:

    events, stores, peers       what is stored, and by whom
    rounds                      turns and rounds: how two speeds are compared
    sync_counts                 how durable everybody is, counted under strace
    settings, results, machine  what a case is told, what it comes to, and where
    append_case, concurrent_case (publishers), replay_case, acknowledge_case,
    connector_case (echo, processors), backlog_case, footprint_case (child), crash_case
                                one question each
    table, plot, svg_panels     the report, the drawing
    suite                       all of it

Targets are stated with what was measured, reached or not. Speeds are never asserted: a test
(tests/test_benchmarks.py) sees only that everything is measured and counted as it says.
"""
