"""Python runs this as it starts, if the directory is on PYTHONPATH (applying.environment).

So a program that a test starts has the same mutant on as the test. Spec: SCN-3.1.
"""

from __future__ import annotations

from fault_injection.mutants import install_from_environment

install_from_environment()
