"""For all tests: made-up inputs take as long as they take. A busy machine, or a first run that has no tables yet, breaks no promise."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
