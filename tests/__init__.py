"""Tests of the specification. See conftest.py for markers and traceability."""
