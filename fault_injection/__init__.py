"""The fault-injection kit: what goes wrong, done to a log and a connector, and what is seen.

    python3 -m fault_injection                  every scenario, against the reference
    python3 -m fault_injection list             the catalogue
    python3 -m fault_injection explain torn-tail-bytes

Reading order:

    scenario.py, scenarios/      what a scenario is; the catalogue, a file each
    plan.py, *_steps.py          what is done and what goes wrong, as data
    log_run.py, connector_run.py the steps carried out; *_process.py: on which disk
    promises.py, *_oracle.py     what was promised, and the oracle
    invariants.py, numbering.py  what it looks for
    exploring.py                 every crash that a disk allows
    shrink.py, story.py          a failure made small, and told
    runner.py, cli.py            all of it, on all processors
    result.py, reports/          what came of it, for people and machines
    mutants/                     mistakes that have to be found

With `PROCMOND_MUTANT` in the environment, or `--mutant`, the reference is changed by that
mistake as it is imported. Imports `simulators` and `reference`; nothing imports this.

Spec: part IV.
"""

from __future__ import annotations

import os
from typing import Final

KIT_VERSION: Final = "1.0"

if os.environ.get("PROCMOND_MUTANT"):
    # Before anything of `reference` is imported: workers and tests start here.
    from fault_injection.mutants import install_from_environment

    install_from_environment()
