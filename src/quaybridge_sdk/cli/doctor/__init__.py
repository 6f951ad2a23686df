"""``quaybridge doctor``: what the bridge needs, checked from a laptop or in the pod; each failure says how to mend it.

One file a topic; :mod:`.examine` joins them, :mod:`.ports` is all that they see of the outside, :mod:`.report` prints. No check
changes anything.
"""

from quaybridge_sdk.cli.doctor.command import command

__all__ = ["command"]
