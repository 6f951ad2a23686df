"""``quaybridge demo``: the whole bridge at work, in under half a minute, with nothing installed but this package.

Both servers are embedded and speak the real protocols on loopback; controller and webhook are the real programs in processes of
their own; the image is really pushed, with nothing but what the pull secret gives. The exit code is 0 only if all of it came
true.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from attrs import define, field, frozen
from rich.console import Console
from rich.table import Table

from quaybridge_sdk.cli.stage import Cluster, DemoError, Stage, bridge, eventually, set_stage
from quaybridge_sdk.testing.registry_client import push_image

PROJECTS = {"shop": ("frontend", "cart"), "team--blue": ("api",), "research": ()}
"""Project -> ImageStreams. ``team--blue`` is a name that Quay itself would refuse."""

BUILT = ("shop", "frontend", "latest")
IMAGES, BUILDS = "/apis/image.openshift.io/v1/namespaces", "/apis/build.openshift.io/v1/namespaces"


@frozen
class Narrator:
    """Tells each step when it has come true."""

    console: Console
    started: float = field(factory=time.monotonic)

    def done(self, text: str) -> None:
        self.console.print(f"[green]✓[/] [dim]{time.monotonic() - self.started:5.1f} s[/]  {text}", highlight=False)


@define
class Story:
    """The demo's steps, in their order; each raises DemoError when it does not come true."""

    stage: Stage
    tell: Narrator

    @property
    def cluster(self) -> Cluster:
        return self.stage.cluster

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
            organization = eventually(f"organization of {project}", lambda p=project, s=streams: self._organization(p, s))  # type: ignore[misc]
            eventually(f"pull secrets of {project}", lambda p=project: self._provisioned(p))  # type: ignore[misc]
            self.tell.done(f"project [bold]{project}[/] is organization [bold]{organization}[/], its accounts have pull secrets")

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
        self.tell.done(f"build [bold]{stream}-1[/] was rewritten on admission, and pushes to [bold]{target['name']}[/]")
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
        found = eventually("imported tag", lambda: self.cluster.find(path))
        if found["image"]["metadata"]["name"] != digest:
            raise DemoError(f"another image was imported: {found['image']['metadata']['name']}")
        reference = found["image"]["dockerImageReference"]
        self.tell.done(f"tag [bold]{stream}:{tag}[/] was imported into its ImageStream: {reference}")

    def delete(self, project: str = "research") -> None:
        """A project goes, and its organization with it."""
        organization = self._organization(project, ())
        self.cluster.call("DELETE", f"/api/v1/namespaces/{project}")
        eventually(f"{organization} deleted", lambda: organization not in self.stage.quay.organizations())
        eventually(f"namespace {project} gone", lambda: self.cluster.find(f"/api/v1/namespaces/{project}") is None)
        self.tell.done(f"project [bold]{project}[/] was deleted, and organization {organization} with it")

    def status(self) -> None:
        """The QuayIntegration says that all is well."""
        path = "/apis/quay.redhat.com/v1/quayintegrations/quay"
        eventually("QuayIntegration ready", lambda: self._is_ready(self.cluster.find(path) or {}))
        self.tell.done("`oc get quayintegration` says that all is well")

    def table(self, digest: str) -> Table:
        """What is there in the end, read from both servers."""
        table = Table(title="Both sides, as they are now")
        for column in ("namespace", "organization", "robots", "repositories", "tag imported"):
            table.add_column(column)
        for name, organization in sorted(self.stage.quay.organizations().items()):
            namespace = next((p for p, s in PROJECTS.items() if self._organization(p, s) == name), None)
            if namespace is None:
                continue
            robots = ", ".join(sorted(robot.partition("+")[2] or robot for robot in organization.robots))
            tag = f"{BUILT[1]}:{BUILT[2]} = {digest[:19]}…" if namespace == BUILT[0] else ""
            table.add_row(namespace, name, robots, ", ".join(sorted(organization.repositories)) or "-", tag)
        return table

    def _organization(self, project: str, streams: tuple[str, ...]) -> str | None:
        """The project's organization once it holds everything; found by its ownership mark, not by its name."""
        namespace = self.cluster.find(f"/api/v1/namespaces/{project}")
        uid = namespace["metadata"]["uid"] if namespace else "-"
        for name, organization in self.stage.quay.organizations().items():
            if organization.email.startswith(f"{uid}@") and set(streams) <= set(organization.repositories):
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
        self.tell.done(f"the build pushed {digest[:19]}… as robot [bold]{user}[/]")
        return digest

    @staticmethod
    def _is_ready(integration: dict[str, Any]) -> bool:
        conditions = integration.get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


@click.command("demo")
@click.option("--keep-logs", type=click.Path(file_okay=False), default=None, help="A folder that gets both programs' logs.")
def command(keep_logs: str | None) -> None:
    """Show the whole bridge at work on embedded servers.

    Starts an embedded OpenShift API and an embedded Quay on loopback, and the controller and the webhook as real processes;
    creates projects, ImageStreams and a build, pushes an image, imports it, deletes a project. Needs nothing, and leaves
    nothing behind.
    """
    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    with tempfile.TemporaryDirectory(prefix="quaybridge-demo-") as temporary:
        folder = Path(keep_logs or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _play(console, folder)
        except (DemoError, OSError) as error:
            _show_logs(console, folder)
            raise click.ClickException(f"the demo failed: {error}") from error


def _play(console: Console, folder: Path) -> None:
    tell = Narrator(console)
    with set_stage(folder) as stage:
        tell.done(f"an OpenShift API at {stage.openshift.url}, and a Quay at {stage.quay.url}")
        with bridge(stage) as (controller, webhook):
            tell.done(f"controller (pid {controller.pid}) and webhook (pid {webhook.pid}) are ready")
            story = Story(stage, tell)
            story.link()
            story.create_projects()
            digest = story.build()
            story.imported(digest)
            story.delete()
            story.status()
            console.print(story.table(digest))
            console.print(f"{len(stage.quay.api_calls)} calls of Quay's API in all")
        codes = (controller.returncode, webhook.returncode)
        if any(codes):
            raise DemoError(f"the programs did not end well: exit codes {codes}")
    tell.done("all of it is cleaned up")


def _show_logs(console: Console, folder: Path) -> None:
    for log in sorted(folder.glob("*.log")):
        console.print(f"[bold]{log.name}[/]: the last lines")
        console.print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]), markup=False)
