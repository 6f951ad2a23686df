"""Makes ``docs/generated/*.md`` from the code's own tables, so that documentation and code cannot disagree.

Run it after a change of a table (``python docs/generate.py``); the files are committed, and a test fails when one is stale.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

from quaybridge_sdk import errors
from quaybridge_sdk.adapters.quay import routes
from quaybridge_sdk.depth import Depth
from quaybridge_sdk.mapping import conditions, roles, scope
from quaybridge_sdk.mapping.build_import import Freshness, ImportReason
from quaybridge_sdk.mapping.build_patch import Verdict
from quaybridge_sdk.mapping.organization import organization_name, organization_origin
from quaybridge_sdk.mapping.ownership import ADOPTABLE
from quaybridge_sdk.mapping.pull_secret import pull_secret_name
from quaybridge_sdk.mapping.repository import image_pull_spec, repository_name
from quaybridge_sdk.mapping.robot import robot_name
from quaybridge_sdk.model.ownership import Ownership
from quaybridge_sdk.runtime.metrics import METRICS
from quaybridge_sdk.testing import openshift, quay

FOLDER = Path(__file__).parent / "generated"
NOTE = "<!-- Made by docs/generate.py from the code's tables: change those, and run it. -->\n\n"

NAMES = (("openshift", "shop"), ("openshift", "a--b"), ("Prod", "shop"), ("My cluster!", "a---b"), ("prod_eu", "x"))
ACCOUNTS = ("builder", "my--account", "a")
SECRETS = (("builder", "openshift"), ("builder", "Prod"), ("a-quay-b", "c"))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    titles = tuple(head)
    lines = [titles, ("---",) * len(titles), *(tuple(str(cell).replace("|", "\\|") for cell in row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def enum_table(head: tuple[str, str], members: Iterable[Enum]) -> str:
    """One row a member: its name, and its value, which says what it means."""
    return table(head, ((code(member.name), member.value) for member in members))


def organizations() -> str:
    rows = []
    for cluster_id, namespace in NAMES:
        organization = organization_name(cluster_id, namespace)
        origin = organization_origin(organization)
        back = f"namespace `{origin.namespace}`" if origin else "nothing"
        rows.append((code(cluster_id), code(namespace), code(organization), back))
    return table(("clusterID", "namespace", "organization", "read back"), rows)


def robots() -> str:
    long = "openshift_" + "n" * 63
    rows = [(code("openshift_shop"), code(account), code(robot_name("openshift_shop", account))) for account in ACCOUNTS]
    account = "s" * 200
    rows.append(
        (
            f"{len(long)} characters",
            f"{len(account)} characters",
            f"{code(robot_name(long, account).partition('+')[2])} after the `+`",
        )
    )
    return table(("organization", "service account", "robot"), rows)


def repositories() -> str:
    host, organization, stream = "quay.example.com", "openshift_shop", "s" * 250
    spec = image_pull_spec(host, organization, repository_name(host, organization, "app"), "v1")
    shortened = repository_name(host, organization, stream)
    rows = [
        (code("shop/app:v1"), code(repository_name(host, organization, "app")), code(spec)),
        (
            f"a name of {len(stream)} characters",
            f"its first {len(shortened) - 22} characters, then `{shortened[-22:]}`",
            "at most 255 characters without the tag",
        ),
    ]
    return table(("ImageStreamTag", "repository", "image pull spec"), rows)


def secrets() -> str:
    rows = ((code(account), code(cluster), code(pull_secret_name(account, cluster))) for account, cluster in SECRETS)
    return table(("service account", "clusterID", "Secret"), rows)


def role_table() -> str:
    return table(
        ("service account", "role"), ((code(account), code(role.value)) for account, role in roles.DEFAULT_ROLES.items())
    )


def scope_rules() -> str:
    rows = ((number, answer.reason.value, "yes" if answer.covered else "no") for number, (_, answer) in enumerate(scope.RULES, 1))
    names = ", ".join(code(name) for name in sorted(scope.DENIED_NAMES))
    prefixes = " and ".join(code(prefix) for prefix in scope.DENIED_PREFIXES)
    return (
        table(("", "the first that holds decides", "covered"), rows)
        + f"\nThe platform's own: {names}, and what begins with {prefixes}.\n"
    )


def ownership() -> str:
    def policies(kind: Ownership) -> str:
        return ", ".join(code(policy.value) for policy, kinds in ADOPTABLE.items() if kind in kinds)

    rows = ((kind.value, "is ours" if kind is Ownership.OURS else policies(kind) or "never") for kind in Ownership)
    return table(("what is proved", "taken over by the `adoptionPolicy`"), rows)


def verdicts() -> str:
    rows = ((code(v.name.lower()), v.value, "yes" if v.warning else "no") for v in Verdict)
    return table(("verdict", "meaning", "warning shown to the user"), rows)


def condition_table() -> str:
    made = {
        kind: [reason for reason, of in conditions.CONDITION_OF_REASON.items() if of == kind] for kind in conditions.CONDITIONS
    }
    return table(
        ("condition", "becomes False by"), ((code(kind), ", ".join(map(code, reasons))) for kind, reasons in made.items())
    )


def depths() -> str:
    rows = []
    for depth in Depth:
        calls, _, when = depth.value.partition(": ")
        rows.append((code(depth.name), calls, when))
    return table(("depth", "Quay calls to read", "when"), rows)


def metrics() -> str:
    return table(
        ("metric", "kind", "labels", "meaning"), ((code(m.name), m.kind, ", ".join(map(code, m.labels)), m.help) for m in METRICS)
    )


def quay_calls() -> str:
    rows = [route for route in vars(routes).values() if isinstance(route, routes.Route)]
    cells = ((code(r.method), code(r.shape), " or ".join(map(code, r.scopes)) or "none") for r in rows)
    return table(("method", "path", "scope: any one of"), cells)


def not_imitated(rows: Mapping[str, str]) -> str:
    return table(("asked for", "note"), ((code(name), note) for name, note in rows.items()))


def error_tree() -> str:
    _, _, drawing = (inspect.getdoc(errors) or "").partition("::\n")
    return "```text\n" + inspect.cleandoc(drawing) + "\n```\n"


def who_must_act(cls: type[errors.QuaybridgeError]) -> str:
    """From the drawing: what stands behind the nearest class of which it says that."""
    owned = (errors.OwnershipError, errors.ClusterConflictError)
    speaking = (errors.InvalidInputError, *owned, errors.PermanentRemoteError, errors.TransientRemoteError)
    nearest = next((base for base in cls.__mro__ if base in speaking), None)
    if nearest is None:
        return "see its subclasses"
    found = re.search(rf"-- {nearest.__name__} +(.+)", inspect.getdoc(errors) or "")
    return re.split("[:,]", found[1])[0] if found else ""


def retried(cls: type[errors.QuaybridgeError]) -> str:
    if cls.retry is errors.Retry.NEVER:
        return "no"
    return "yes, 15 s or more apart" if issubclass(cls, errors.PermanentRemoteError) else "yes, with back-off"


def error_list() -> str:
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.QuaybridgeError)]
    return "".join(_error(cls) for cls in classes if not cls.__subclasses__())


def _error(cls: type[errors.QuaybridgeError]) -> str:
    text = (inspect.getdoc(cls) or "").replace("``", "`")
    reason = cls.__name__.removesuffix("Error")
    facts = table(
        ("who must act", "retried", "reason in events and conditions"), [(who_must_act(cls), retried(cls), code(reason))]
    )
    return f"## {cls.__name__}\n\n{text}\n\n{facts}\n"


def commands() -> str:
    listed: Mapping[str, str] = import_module("quaybridge_sdk.cli.main").COMMANDS
    return "\n".join(f"### quaybridge {name}\n\n{text}\n\n{_options(name)}" for name, text in listed.items())


def _options(name: str) -> str:
    module = f"quaybridge_sdk.cli.{name}"
    if find_spec(module) is None:
        return "This command is listed by `--help`, and not written yet.\n"
    parameters = import_module(module).command.params
    rows = [
        (code(each.make_metavar(click.Context(click.Command("")))), "", "", "")
        for each in parameters
        if isinstance(each, click.Argument)
    ]
    options = [option for option in parameters if isinstance(option, click.Option)]
    rows += [(_flags(option), _default(option), code(option.envvar or ""), _meaning(option)) for option in options]
    return table(("option", "default", "environment", "meaning"), rows) if rows else ""


def _flags(option: click.Option) -> str:
    return " / ".join(code(flag) for flag in (*option.opts, *option.secondary_opts))


def _meaning(option: click.Option) -> str:
    choices = option.type.choices if isinstance(option.type, click.Choice) else ()
    words = [choice.value if isinstance(choice, Enum) else str(choice) for choice in choices]
    return (option.help or "") + (f" One of {', '.join(map(code, words))}." if words else "")


def _default(option: click.Option) -> str:
    default = option.to_info_dict()["default"]
    return (
        "" if default in (None, ()) or callable(default) else code(str(default).lower() if isinstance(default, bool) else default)
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "organizations.md": organizations,
    "robots.md": robots,
    "repositories.md": repositories,
    "secrets.md": secrets,
    "roles.md": role_table,
    "scope.md": scope_rules,
    "ownership.md": ownership,
    "verdicts.md": verdicts,
    "imports.md": lambda: enum_table(("decision", "meaning"), ImportReason),
    "freshness.md": lambda: enum_table(("what came in", "meaning"), Freshness),
    "conditions.md": condition_table,
    "depths.md": depths,
    "metrics.md": metrics,
    "quay-calls.md": quay_calls,
    "not-imitated-openshift.md": lambda: not_imitated(openshift.NOT_IMITATED),
    "not-imitated-quay.md": lambda: not_imitated(quay.NOT_IMITATED),
    "error-tree.md": error_tree,
    "errors.md": error_list,
    "commands.md": commands,
}


def pages() -> dict[str, str]:
    """File name -> text, for every generated file."""
    return {name: NOTE + make().rstrip("\n") + "\n" for name, make in PAGES.items()}


def main() -> None:
    """Writes all files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
