"""The ``quaybridge`` command."""
