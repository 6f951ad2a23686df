"""``quaybridge demo``: the whole bridge at work, in under half a minute, with nothing installed but this package.

Both servers are embedded and speak the real protocols on loopback; controller and webhook are the real programs in processes of
their own; the image is really pushed, with nothing but what the pull secret gives. The exit code is 0 only if all of it came
true.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx
from attrs import define, field, frozen
from rich.console import Console
from rich.table import Table
from rich.text import Text

from quaybridge_sdk.cli.stage import Cluster, DemoError, Stage, bridge, eventually, require_running, set_stage
from quaybridge_sdk.testing.quay import OrganizationSnapshot
from quaybridge_sdk.testing.registry_client import push_image

T = TypeVar("T")
Programs = Mapping[str, subprocess.Popen[bytes]]

RIGHTS = {"builder": "write", "default": "read", "deployer": "read"}
"""What the robots of the three accounts may do; stated here once more, so that the demo checks the bridge's own table."""

PROJECTS = {"shop": ("frontend", "cart"), "team--blue": ("api",), "research": ()}
"""Project -> ImageStreams. ``team--blue`` is a name that Quay itself would refuse."""

BUILT = ("shop", "frontend", "latest")
IMAGES, BUILDS = "/apis/image.openshift.io/v1/namespaces", "/apis/build.openshift.io/v1/namespaces"


@frozen
class Narrator:
    """Tells each step when it has come true."""

    console: Console
    started: float = field(factory=time.monotonic)

    def done(self, *parts: str | tuple[str, str]) -> None:
        """One line. A part is text as it is, which is never read as markup, or a text and its style."""
        seconds = f"{time.monotonic() - self.started:5.1f} s"
        self.console.print(Text.assemble(("✓ ", "green"), (seconds, "dim"), "  ", *parts))


@define
class Story:
    """The demo's steps, in their order; each raises DemoError when it does not come true."""

    stage: Stage
    tell: Narrator
    programs: Programs

    @property
    def cluster(self) -> Cluster:
        return self.stage.cluster

    def eventually(self, what: str, look: Callable[[], T | None]) -> T:
        """As :func:`~quaybridge_sdk.cli.stage.eventually`, and nothing is waited for once a program has ended."""

        def look_while_running() -> T | None:
            require_all(self.programs)
            return look()

        return eventually(what, look_while_running)

    def link(self) -> None:
        """The administrator's part: a Secret with the token, and a QuayIntegration."""
        self.cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": "openshift-operators"}})
        token = {"token": self.stage.quay.token}
        secret = {"metadata": {"name": "quay-integration"}, "stringData": token}
        self.cluster.call("POST", "/api/v1/namespaces/openshift-operators/secrets", secret)
        reference = {"namespace": "openshift-operators", "name": "quay-integration"}
        spec = {"credentialsSecret": reference, "quayHostname": self.stage.quay.url, "insecureRegistry": True}
        integration = {"apiVersion": "quay.redhat.com/v1", "kind": "QuayIntegration", "metadata": {"name": "quay"}, "spec": spec}
        self.cluster.call("POST", "/apis/quay.redhat.com/v1/quayintegrations", integration)
        self.tell.done(f"the administrator linked the cluster with Quay at {self.stage.quay.url}")

    def create_projects(self) -> None:
        """The users' part: projects and ImageStreams; then all of it is in Quay."""
        for project, streams in PROJECTS.items():
            self.cluster.call("POST", "/apis/project.openshift.io/v1/projectrequests", {"metadata": {"name": project}})
            for stream in streams:
                self.cluster.call("POST", f"{IMAGES}/{project}/imagestreams", {"metadata": {"name": stream}})
        self.tell.done(f"users created the projects {', '.join(PROJECTS)} with {sum(map(len, PROJECTS.values()))} ImageStreams")
        for project, streams in PROJECTS.items():
            organization = self.eventually(f"organization of {project}", lambda p=project, s=streams: self._organization(p, s))  # type: ignore[misc]
            self.eventually(f"pull secrets of {project}", lambda p=project: self._provisioned(p))  # type: ignore[misc]
            known = ("project ", (project, "bold"), " is organization ", (organization, "bold"))
            self.tell.done(*known, ", its accounts have pull secrets")

    def build(self) -> str:
        """A build: rewritten on admission, pushed with the pull secret's credentials, completed. Returns the digest."""
        project, stream, tag = BUILT
        spec = {
            "source": {"type": "Dockerfile", "dockerfile": "FROM scratch"},
            "strategy": {"type": "Docker", "dockerStrategy": {}},
            "output": {"to": {"kind": "ImageStreamTag", "name": f"{stream}:{tag}"}},
        }
        made = self.cluster.call("POST", f"{BUILDS}/{project}/builds", {"metadata": {"name": f"{stream}-1"}, "spec": spec})
        target = made["spec"]["output"]["to"]
        if target["kind"] != "DockerImage":
            raise DemoError(f"the build was not rewritten: {target}")
        self.tell.done("build ", (f"{stream}-1", "bold"), " was rewritten on admission, and pushes to ", (target["name"], "bold"))
        digest = self._push(project, target["name"])
        status = {"status": {"phase": "Complete", "output": {"to": {"imageDigest": digest}}}}
        path = f"{BUILDS}/{project}/builds/{stream}-1"
        self.cluster.call("PATCH", path, status, "application/merge-patch+json")
        self.tell.done("the build is complete")
        return digest

    def imported(self, digest: str) -> None:
        """The tag is in the ImageStream, with the digest that was pushed."""
        project, stream, tag = BUILT
        path = f"{IMAGES}/{project}/imagestreamtags/{stream}:{tag}"
        found = self.eventually("imported tag", lambda: self.cluster.find(path))
        if found["image"]["metadata"]["name"] != digest:
            raise DemoError(f"another image was imported: {found['image']['metadata']['name']}")
        reference = found["image"]["dockerImageReference"]
        self.tell.done("tag ", (f"{stream}:{tag}", "bold"), f" was imported into its ImageStream: {reference}")

    def delete(self, project: str = "research") -> None:
        """A project goes, and its organization with it."""
        organization = self._organization(project, ())
        self.cluster.call("DELETE", f"/api/v1/namespaces/{project}")
        self.eventually(f"{organization} deleted", lambda: organization not in self.stage.quay.organizations())
        self.eventually(f"namespace {project} gone", lambda: self.cluster.find(f"/api/v1/namespaces/{project}") is None)
        self.tell.done("project ", (project, "bold"), f" was deleted, and organization {organization} with it")

    def status(self) -> None:
        """The QuayIntegration says that all is well."""
        path = "/apis/quay.redhat.com/v1/quayintegrations/quay"
        self.eventually("QuayIntegration ready", lambda: self._is_ready(self.cluster.find(path) or {}))
        self.tell.done("`oc get quayintegration` says that all is well")

    def table(self, digest: str) -> Table:
        """What is there in the end, read from both servers."""
        table = Table(title="Both sides, as they are now")
        for column in ("namespace", "organization", "robots", "repositories", "tag imported"):
            table.add_column(column, overflow="fold")
        for name, organization in sorted(self.stage.quay.organizations().items()):
            namespace = next((p for p, s in PROJECTS.items() if self._organization(p, s) == name), None)
            if namespace is None:
                continue
            robots = ", ".join(sorted(robot.partition("+")[2] or robot for robot in organization.robots))
            tag = f"{BUILT[1]}:{BUILT[2]} = {digest[:19]}…" if namespace == BUILT[0] else ""
            table.add_row(*map(Text, (namespace, name, robots, ", ".join(sorted(organization.repositories)) or "-", tag)))
        return table

    def damage(self) -> str:
        """Somebody deletes a repository in Quay, behind the bridge's back; returns its name."""
        repository = f"{self._organization('shop', ())}/cart"
        headers = {"Authorization": f"Bearer {self.stage.quay.token}"}
        url = f"{self.stage.quay.url}/api/v1/repository/{repository}"
        httpx.delete(url, headers=headers, timeout=30, trust_env=False).raise_for_status()
        return repository

    def _organization(self, project: str, streams: tuple[str, ...]) -> str | None:
        """The project's organization once it holds everything; found by its ownership mark, not by its name."""
        namespace = self.cluster.find(f"/api/v1/namespaces/{project}")
        uid = namespace["metadata"]["uid"] if namespace else "-"
        for name, organization in self.stage.quay.organizations().items():
            complete = set(streams) <= set(organization.repositories) and _has_rights(name, organization)
            if organization.email.startswith(f"{uid}@") and complete:
                return name
        return None

    def _provisioned(self, project: str) -> bool:
        accounts = self.cluster.find(f"/api/v1/namespaces/{project}/serviceaccounts") or {"items": []}
        ready = [a for a in accounts["items"] if any("-quay-" in s["name"] for s in a.get("imagePullSecrets") or ())]
        return len(ready) == 3

    def _push(self, project: str, target: str) -> str:
        """Pushes as the build would: with the credentials of the builder account's own secret, and nothing else."""
        account = self.cluster.call("GET", f"/api/v1/namespaces/{project}/serviceaccounts/builder")
        name = next(s["name"] for s in account["secrets"] if "-quay-" in s["name"])
        secret = self.cluster.call("GET", f"/api/v1/namespaces/{project}/secrets/{name}")
        auths = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))["auths"]
        host, _, path = target.partition("/")
        user, _, password = base64.b64decode(auths[host]["auth"]).decode().partition(":")
        repository, _, tag = path.partition(":")
        digest = push_image(f"http://{host}", repository, tag, user, password, content=b"the demo's only layer")
        self.tell.done(f"the build pushed {digest[:19]}… as robot ", (user, "bold"))
        return digest

    @staticmethod
    def _is_ready(integration: dict[str, Any]) -> bool:
        conditions = integration.get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


@click.command("demo")
@click.option(
    "--keep-logs",
    type=click.Path(file_okay=False),
    default=None,
    help="A folder that gets both programs' logs, and the demo's keys.",
)
@click.option("--keep-running", is_flag=True, help="Stay up at the end, for plan, sync, doctor and kubectl, until Ctrl-C.")
def command(keep_logs: str | None, keep_running: bool) -> None:
    """Show the whole bridge at work on embedded servers.

    Starts an embedded OpenShift API and an embedded Quay on loopback, and the controller and the webhook as real processes;
    creates projects, ImageStreams and a build, pushes an image, imports it, deletes a project. Needs nothing, and leaves
    nothing behind.
    """
    tell = Narrator(make_console())
    with interruptible(), tempfile.TemporaryDirectory(prefix="quaybridge-demo-") as temporary:
        folder = Path(keep_logs or temporary).absolute()
        _make(folder)
        try:
            _play(tell, folder, keep_running)
        except (DemoError, OSError, httpx.HTTPError) as error:
            show_logs(tell.console, folder)
            raise click.ClickException(f"the demo failed: {error}") from error
    tell.done("all of it is cleaned up")


def make_console() -> Console:
    """As wide as the terminal; elsewhere as COLUMNS says, or 120."""
    known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(soft_wrap=True, width=None if known else 120, highlight=False)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM, and a terminal that is closed, do what Ctrl-C does: they leave nothing behind either."""
    heard = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]  # nohup's
    former = {number: signal.signal(number, signal.default_int_handler) for number in heard}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"--keep-logs: {folder} cannot be made: {error.strerror}") from error


def _has_rights(name: str, organization: OrganizationSnapshot) -> bool:
    """Whether each robot may do on each repository what :data:`RIGHTS` says, and no more."""
    wanted = {f"{name}+{account}": role for account, role in RIGHTS.items()}
    return all(wanted.items() <= repository.users.items() for repository in organization.repositories.values())


def _play(tell: Narrator, folder: Path, keep_running: bool) -> None:
    with set_stage(folder, tls=keep_running) as stage:
        tell.done(f"an OpenShift API at {stage.openshift.url}, and a Quay at {stage.quay.url}")
        with bridge(stage) as (controller, webhook):
            tell.done(f"controller (pid {controller.pid}) and webhook (pid {webhook.pid}) are ready")
            story = Story(stage, tell, {"controller": controller, "webhook": webhook})
            with _blaming(story.programs):
                _tell_all(story)
            if keep_running:
                _stay(story)
        for name, code in (("controller", controller.returncode), ("webhook", webhook.returncode)):
            if code:
                raise DemoError(f"the {name} did not end well: exit code {code}")


def _tell_all(story: Story) -> None:
    story.link()
    story.create_projects()
    digest = story.build()
    story.imported(digest)
    story.delete()
    story.status()
    story.tell.console.print(story.table(digest), soft_wrap=False)
    story.tell.console.print(f"{len(story.stage.quay.api_calls)} calls of Quay's API in all")


def require_all(programs: Programs) -> None:
    """Raises DemoError when one of them has ended: which one, and its exit code."""
    for name, running in programs.items():
        require_running(name, running)


@contextmanager
def _blaming(programs: Programs) -> Iterator[None]:
    """What failed because a program has ended is told as that: which one, and its exit code."""
    try:
        yield
    except (DemoError, OSError, httpx.HTTPError):
        require_all(programs)
        raise


def _stay(story: Story) -> None:
    """Says what to try, and returns on Ctrl-C. Raises DemoError as soon as a program ends by itself."""
    for line in _advice(story.stage.kubeconfig, story.damage()):
        story.tell.console.print(Text(line))
    try:
        while True:
            require_all(story.programs)
            time.sleep(0.1)
    except KeyboardInterrupt:
        story.tell.console.print("ending")


def _advice(kubeconfig: Path, repository: str) -> Iterator[str]:
    ours = "quaybridge" if shutil.which("quaybridge") else f"{shlex.quote(sys.executable)} -m quaybridge_sdk.cli"
    yield "It stays up until Ctrl-C. In another terminal:"
    yield f"export KUBECONFIG={shlex.quote(str(kubeconfig))}"
    yield f"{ours} plan      # the repository {repository} was deleted in Quay meanwhile: what would be done about it"
    yield f"{ours} sync      # makes it again"
    yield f"{ours} doctor    # checks all that the bridge needs"
    yield "kubectl get quayintegrations,imagestreams --all-namespaces    # if you have kubectl or oc"


def show_logs(console: Console, folder: Path) -> None:
    """The last lines of each program's log, as they are."""
    for log in sorted(folder.glob("*.log")):
        console.print(Text.assemble((log.name, "bold"), ": the last lines"))
        console.print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]), markup=False)
