"""Worlds that the reference and its ports can be put into.

A simulator is a component of the surroundings in small: where process events come from,
what a disk does in a crash, how a link fails. Simulators import only `reference` and the
standard library; `reference` never imports them, and a test enforces both.

    process_events, proc_reader, synthetic_events    where events come from
    memory_filesystem                                a disk that fails on demand
    broker (the program), fake_broker, broker_*      the agent's broker, good or misbehaving
    topics                                           subscriptions with + and #
    connector_driver, connector_world                a connector whose steps a test takes

    link_faults, socket                              a stream that is cut, by hand or as a proxy
    world                                            all of it under one seed, with all faults
    faulty_filesystem                                calls that fail as told
    medium_faults                                    durable bytes that change: data, too
    persistence, disk_image                          what a power cut may keep, as data
    previous_content, sync_failures                  what reused blocks show; four failing syncs
    crash_filesystem, crash_point, crash_states      a disk that loses power; its legal states
    legal_sets, crash_sampling                       which sets those are; a sample of them
    distinct_states, file_contents, file_pieces      those that differ, without building all
    tears, torn_writes                               those with a write in flight
    explorer, recovery_memory                        every crash of a program, and its recovery
    persistence_table, sync_failure_table            the profiles and failures, asked
    clock                                            virtual time

Time, sleep and random numbers are passed in, so that a run can be repeated exactly.

Not here: which faults are tried and what must hold then (fault_injection).
"""
