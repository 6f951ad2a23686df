"""A longer look: ``pytest tests/fuzz --hypothesis-profile=fuzz`` takes some eight minutes on one core."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=2_000,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example),
)
