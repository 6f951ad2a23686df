"""``quaybridge sync``: applies the plan once. Interrupted, it can simply be started again: what is done is not done twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

import click
from attrs import field, frozen
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from quaybridge_sdk.cli.assembly import Assembly, assemble, left_out, make_reconciler, namespaces_in_scope, pull_secrets
from quaybridge_sdk.cli.options import cluster_options
from quaybridge_sdk.cli.render import COLOURS, Entry, entry
from quaybridge_sdk.errors import ClusterConflictError, OwnershipError, QuaybridgeError, TransientRemoteError
from quaybridge_sdk.reconcile import Outcome, Result
from quaybridge_sdk.runtime.lifecycle import Stopper

INTERRUPTED = 130
ROUNDS = 3
"""A new integration looks at its namespaces before it writes: those that were looked at come again in the next round."""

SETTLED = frozenset({Result.CONVERGED, Result.RELEASED, Result.GONE, Result.OUT_OF_SCOPE})
MENDS: tuple[tuple[type[QuaybridgeError], str], ...] = (
    (TransientRemoteError, "run `quaybridge sync` again: this may pass by itself"),
    (OwnershipError, "do what the message says, then run `quaybridge sync` again"),
    (ClusterConflictError, "do what the message says, then run `quaybridge sync` again"),
    (QuaybridgeError, "run `quaybridge doctor`, and mend what it finds"),
)
"""What to do about a failure: the first row that the error is of."""

UNDONE = {
    Result.WAITING: "not ready yet, because its project or an earlier deletion is under way: run `quaybridge sync` again",
    Result.SURVEYING: "not begun: a new integration looks at all its namespaces first: run `quaybridge sync` without --namespace",
    Result.CONTESTED: "covered by several QuayIntegrations, so none acts: give each an allowlist of its own",
}


@frozen
class Done:
    """What came of one namespace: what was done; or why it is not as wanted, and what to do."""

    namespace: str
    entries: tuple[Entry, ...] = ()
    failure: str = ""
    mend: str = ""
    again: bool = False


@frozen
class Syncing:
    """Works on namespaces, several at a time, until told to stop: then what is under way is finished and nothing is begun.

    Attributes:
        work: one namespace's pass; raises QuaybridgeError.
        told: is given each outcome, on the calling thread.
        secrets: the pull secrets that a namespace has before its pass.
    """

    work: Callable[[str], Outcome]
    told: Callable[[Done], None]
    stopped: threading.Event = field(factory=threading.Event)
    secrets: Callable[[str], Collection[str]] = lambda _: ()

    def run(self, namespaces: Sequence[str], parallel: int) -> dict[str, Done]:
        """The outcome of each namespace that was worked on to its end."""
        results: dict[str, Done] = {}
        todo = list(namespaces)
        for number in range(ROUNDS):
            surveyed = []
            for done in self._round(todo, parallel):
                if done.again and number < ROUNDS - 1:
                    surveyed.append(done.namespace)
                    continue
                results[done.namespace] = done
                self.told(done)
            todo = sorted(surveyed)
            if not todo or self.stopped.is_set():
                break
        return results

    def _round(self, namespaces: Sequence[str], parallel: int) -> Iterator[Done]:
        waiting = list(reversed(namespaces))
        running: set[Future[Done]] = set()
        with ThreadPoolExecutor(parallel, thread_name_prefix="sync") as pool:
            while running or (waiting and not self.stopped.is_set()):
                while waiting and len(running) < parallel and not self.stopped.is_set():
                    running.add(pool.submit(self._one, waiting.pop()))
                finished, running = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)

    def _one(self, namespace: str) -> Done:
        there = frozenset(self.secrets(namespace))
        try:
            outcome = self.work(namespace)
        except QuaybridgeError as error:
            return Done(namespace, failure=f"{error.reason}: {error}", mend=_mend(error))
        entries = tuple(entry(action, there) for action in outcome.actions)
        if outcome.result in SETTLED:
            return Done(namespace, entries)
        again = outcome.result is Result.SURVEYING
        return Done(namespace, entries, outcome.result.value, UNDONE[outcome.result], again)


def _mend(error: QuaybridgeError) -> str:
    return next(words for kind, words in MENDS if isinstance(error, kind))


@click.command("sync")
@click.option("--namespace", "-n", "names", multiple=True, help="Only this namespace; may be given several times.")
@click.option(
    "--parallel", type=click.IntRange(1, 64), default=4, show_default=True, help="Namespaces worked on at the same time."
)
@cluster_options
def command(names: tuple[str, ...], parallel: int, kubeconfig: str | None, context: str | None) -> int:
    """Apply the plan once, for all namespaces or some.

    May run beside the controller, whose work it repeats; what two make at once, a second default permission, the next full check
    removes. Ctrl-C finishes the namespaces under way; started again, it
    goes on with the rest. Exit code 0 when all namespaces are as wanted, 1 when some are not, 130 when interrupted.
    """
    console = Console(soft_wrap=True, highlight=False)
    with assemble(kubeconfig, context) as assembly:
        assembly.require_synced()
        todo, troubles = namespaces_in_scope(assembly, names), left_out(assembly, names)
        with Stopper() as stopper, _progress(console) as progress:
            task = progress.add_task("namespaces", total=len(todo))

            def told(done: Done) -> None:
                progress.advance(task)
                _show(console, done)

            work = partial(make_reconciler(assembly).reconcile, full=True)  # as `plan` reads, whatever the records say
            results = _run(assembly, Syncing(work, told, stopper.stopped, partial(pull_secrets, assembly)), todo, parallel)
        interrupted = stopper.stopped.is_set()
    for line in troubles:
        click.echo(line, err=True)
    return _conclude(console, todo, results, interrupted=interrupted) or (1 if troubles else 0)


def _run(assembly: Assembly, syncing: Syncing, todo: Sequence[str], parallel: int) -> dict[str, Done]:
    """First what is being deleted, one after the other: so the deletions that the limit allows are those that the plan shows."""
    going = {namespace.name for namespace in assembly.caches.namespaces() if namespace.terminating}
    released = syncing.run([name for name in todo if name in going], 1)
    return released | syncing.run([name for name in todo if name not in going], parallel)


def _progress(console: Console) -> Progress:
    """A bar on a terminal, and nothing elsewhere: there the lines tell."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


def _show(console: Console, done: Done) -> None:
    for each in done.entries:
        console.print(f"  {done.namespace}: {each.line}", style=COLOURS[each.symbol], markup=False)
    if done.failure:
        console.print(f"  {done.namespace}: {done.failure}", style="red", markup=False)


def _conclude(console: Console, todo: Sequence[str], results: dict[str, Done], *, interrupted: bool) -> int:
    """The end of the report; the exit code."""
    failed = [results[name] for name in todo if name in results and results[name].failure]
    for done in failed:
        console.print(f"not as wanted: namespace {done.namespace}: {done.failure}\n  -> {done.mend}", style="red", markup=False)
    console.print(f"{len(results) - len(failed)} of {len(todo)} namespaces are as wanted", markup=False)
    left = len(todo) - len(results)
    if interrupted:
        text = f"interrupted: {left} namespaces are left; run `quaybridge sync` again, what is done is not done twice"
        console.print(text, style="yellow", markup=False)
        return INTERRUPTED
    return 1 if failed else 0
