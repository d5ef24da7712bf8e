"""Named fault scenarios against the reference and against ports: built in a later step.

Imports `simulators` and `reference`; nothing imports this.
"""
