"""The wire between the bridge and its ports: it counts calls, and breaks those that a fault names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from attrs import define, field, frozen

from quaybridge_sdk.errors import QuaybridgeError

System = Literal["quay", "kubernetes"]
MOST_CALLS = 5_000
"""More calls than any cell can need: what makes them is a hot loop."""


class KilledError(BaseException):
    """The process ends here. No ``except Exception`` of the bridge may hold it up."""


class HotLoopError(AssertionError):
    """The bridge makes calls without an end."""


@frozen
class Call:
    """One call of a port: its position since the fault was armed, and its name such as ``quay.create_robot``."""

    position: int
    name: str


@define
class Fault:
    """What happens to the calls that ``hits`` chooses: ``act`` is called ``before`` the effect, or after it; it may raise."""

    hits: Callable[[Call], bool]
    act: Callable[[Call], None]
    before: bool = True


@define
class Wire:
    """Passes all calls of one world on. ``fault`` is in force from :meth:`arm` to :meth:`heal`."""

    calls: list[str] = field(factory=list)
    fault: Fault | None = None
    met: int = 0
    raised: list[BaseException] = field(factory=list)
    _armed_at: int = 0

    def arm(self, fault: Fault | None) -> None:
        self.fault, self.met, self._armed_at = fault, 0, len(self.calls)

    def heal(self) -> None:
        self.fault = None

    @property
    def since(self) -> tuple[str, ...]:
        """The names of the calls since the fault was armed."""
        return tuple(self.calls[self._armed_at :])

    def pass_on(self, name: str, effect: Callable[[], Any]) -> Any:
        call = Call(len(self.calls) - self._armed_at, name)
        self.calls.append(name)
        if call.position > MOST_CALLS:
            raise HotLoopError(f"{call.position} calls, the last one {name}")
        fault = self.fault
        if fault is None or not fault.hits(call):
            return self._noted(effect)
        self.met += 1
        if fault.before:
            fault.act(call)
        answer = self._noted(effect)
        if not fault.before:
            fault.act(call)
        return answer

    def _noted(self, effect: Callable[[], Any]) -> Any:
        """The fakes' own refusals are kept, too: what they say is looked through for tokens."""
        try:
            return effect()
        except QuaybridgeError as error:
            self.raised.append(error)
            raise


@frozen
class Wired:
    """A port behind the wire: every method of ``target``, also one that is added later, goes through :meth:`Wire.pass_on`."""

    target: Any
    wire: Wire
    system: System

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.target, name)

        def called(*args: Any, **kwargs: Any) -> Any:
            return self.wire.pass_on(f"{self.system}.{name}", lambda: method(*args, **kwargs))

        return called
