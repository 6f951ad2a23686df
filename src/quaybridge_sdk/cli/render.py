"""Actions as lines of a diff: ``+`` is made, ``~`` is changed, ``-`` is removed. No line holds a secret."""

from __future__ import annotations

from quaybridge_sdk.model import actions as act


def render(action: act.Action) -> str:  # noqa: C901 - one line for each action
    """One line for one action."""
    match action:
        case act.AddFinalizer(namespace):
            return f"~ namespace {namespace}: add finalizer"
        case act.RemoveFinalizer(namespace):
            return f"~ namespace {namespace}: remove finalizer"
        case act.RecordApplied(namespace, _):
            return f"~ namespace {namespace}: record what was done"
        case act.CreateOrganization(organization, _):
            return f"+ organization {organization}"
        case act.DeleteOrganization(organization):
            return f"- organization {organization}, and all that is in it"
        case act.CreateRobot(_, robot, _):
            return f"+ robot {robot}"
        case act.CreatePrototype(organization, robot, role):
            return f"+ default permission in {organization}: {robot} may {role.value}"
        case act.UpdatePrototype(organization, prototype, role):
            return f"~ default permission in {organization}: {prototype.delegate} may {role.value}, not {prototype.role.value}"
        case act.DeletePrototype(organization, prototype):
            return f"- doubled default permission in {organization}: {prototype.delegate}"
        case act.CreateRepository(organization, repository):
            return f"+ repository {organization}/{repository}"
        case act.SetRepositoryPermission(organization, repository, robot, role):
            return f"~ repository {organization}/{repository}: {robot} may {role.value}"
        case act.WritePullSecret(namespace, secret, _):
            return f"+ pull secret {namespace}/{secret}"
        case act.LinkPullSecret(namespace, account, secret):
            return f"~ service account {namespace}/{account}: add pull secret {secret}"


COLOURS = {"+": "green", "~": "yellow", "-": "red"}
