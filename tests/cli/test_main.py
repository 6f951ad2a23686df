"""The command line around the commands: error lines, the CRDs, and the first moments of the process."""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from tests.admission_caches import Caches

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.cli.assembly import assemble, told
from quaybridge_sdk.cli.main import run
from quaybridge_sdk.cli.options import LogLevel
from quaybridge_sdk.errors import InvalidInputError, UnreachableError
from quaybridge_sdk.runtime.logs import LEVELS
from quaybridge_sdk.runtime.webhook import CertificateFiles, WebhookServer
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift
from quaybridge_sdk.testing.tls import self_signed

ROOT = Path(__file__).parents[2]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without a kubeconfig."""
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("plan", "--kubeconfig", "/nope"),
            "no kubeconfig at /nope: give --kubeconfig, or set KUBECONFIG (see `quaybridge plan --help`)",
        ),
        (
            ("controller", "--full-check-interval", "0h"),
            "Invalid value for '--full-check-interval': must be above 0: '0h' (see `quaybridge controller --help`)",
        ),
        (("nope",), "No such command 'nope'. (see `quaybridge --help`)"),
    ],
)
def test_error_lines(arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr() == ("", f"quaybridge: {line}\n")


@pytest.mark.parametrize("text", ["", "soon", "h", "99999999999999999999h"])
def test_no_durations(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["controller", "--full-check-interval", text]) == 2
    assert "must be above 0" not in capsys.readouterr().err


def test_without_any_kubeconfig_the_usual_place_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sync"]) == 2
    assert f"no kubeconfig at {tmp_path}/.kube/config: give --kubeconfig" in capsys.readouterr().err


def test_one_of_several_kubeconfigs_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", f"/nope:{tmp_path / 'config'}")
    assert run(["plan"]) == 2
    assert "no kubeconfig at" not in capsys.readouterr().err


def test_a_webhook_that_is_switched_off_needs_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISABLE_WEBHOOK", "")
    assert run(["webhook", "--kubeconfig", "/nope"]) == 0


def test_help_names_every_log_level(capsys: pytest.CaptureFixture[str]) -> None:
    run(["controller", "--help"])
    _, _, text = capsys.readouterr().out.partition("--zap-log-level")
    words = text.partition("--zap-encoder")[0].replace(",", " ").split()
    assert set(LEVELS) <= set(words)
    assert [LogLevel().convert(word, None, None) for word in LEVELS] == list(LEVELS.values())


def test_ctrl_c_while_the_program_is_loaded_is_one_line() -> None:
    program = """
import sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == "click":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from quaybridge_sdk.cli.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT / "src")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "quaybridge: interrupted\n")


def test_the_console_script_is_the_guarded_one() -> None:
    assert 'quaybridge = "quaybridge_sdk.cli.__main__:main"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_crds_can_be_applied_as_they_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["crds"]) == 0
    printed = list(yaml.safe_load_all(capsys.readouterr().out))
    with (
        EmbeddedOpenShift(definitions=()) as cluster,
        KubernetesClient.from_kubeconfig(str(cluster.kubeconfig(tmp_path / "kubeconfig"))) as client,
    ):
        for definition in printed:
            client.create(DEFINITIONS, definition)
        groups = {item["spec"]["group"] for item in client.get(DEFINITIONS)["items"]}
    assert groups == {"quay.redhat.com", "redhatcop.redhat.io"}


def test_the_crds_to_deploy_are_those_of_the_package() -> None:
    packaged = {item.name: item.read_text(encoding="utf-8") for item in files("quaybridge_sdk").joinpath("crds").iterdir()}
    folder = ROOT / "deploy" / "crds"
    assert not folder.is_symlink(), "`oc apply -f` takes no link to a folder"
    deployed = {item.name: item.read_text(encoding="utf-8") for item in folder.iterdir() if not item.is_symlink()}
    assert deployed == packaged, "run `cp src/quaybridge_sdk/crds/*.yaml deploy/crds/`"


def test_the_webhook_says_that_it_answers_when_it_does(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def server(certificate: Path, key: Path) -> WebhookServer:
        caches = Caches()
        files = CertificateFiles(certificate, key)
        return WebhookServer(caches, caches, ready=lambda: True, host="127.0.0.1", port=0, certificates=files)

    caplog.set_level(logging.INFO)
    with pytest.raises(InvalidInputError):
        server(tmp_path / "none.crt", tmp_path / "none.key").start()
    assert "answering on" not in caplog.text
    certificate, key, _ = self_signed(tmp_path, "127.0.0.1")
    with server(certificate, key) as running:
        assert f"answering on 127.0.0.1:{running.port}" in caplog.text


def test_each_cause_of_what_could_not_be_read_is_told_once() -> None:
    refused = {
        f"/api/v1/{kind}": f"GET /api/v1/{kind}: connection refused" for kind in ("namespaces", "secrets", "serviceaccounts")
    }
    forbidden = {f"/apis/a/v1/{kind}": f"GET /apis/a/v1/{kind}: 403 {kind} is forbidden" for kind in ("builds", "imagestreams")}
    assert told({**refused, "/apis/b/v1/x": "GET /apis/b/v1/x: 503", **forbidden}) == (
        "GET /api/v1/namespaces: connection refused (and 2 more); GET /apis/a/v1/builds: 403 builds is forbidden (and 1 more); "
        "GET /apis/b/v1/x: 503"
    )


def test_a_cluster_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    with EmbeddedOpenShift() as cluster:
        kubeconfig = str(cluster.kubeconfig(tmp_path / "kubeconfig"))
    with assemble(kubeconfig, None) as assembly, pytest.raises(UnreachableError, match=r"GET /version: .*refused"):
        assembly.require_synced(3600)
