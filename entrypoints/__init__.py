"""The deployable programs: ``python -m entrypoints.controller`` and ``python -m entrypoints.webhook``."""
