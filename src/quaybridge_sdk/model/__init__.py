"""Frozen values: what the two sides hold, what is wanted, and what is to be done. They know well-formedness only."""
