"""Carries an action out: one port call each. It knows no condition about the world."""

from __future__ import annotations

from quaybridge_sdk.effects import Result
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.cleanup import HoldIntegration, IntegrationAction, LetIntegrationGo
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, STATUS_ANNOTATION
from quaybridge_sdk.ports import ClusterWriter, RegistryWriter


def apply(action: act.Action, registry: RegistryWriter, cluster: ClusterWriter) -> Result:
    """One action, one call.

    Raises:
        QuaybridgeError: what the port raises.
    """
    match action:
        case act.CreateOrganization(organization, email):
            registry.create_organization(organization, email)
        case act.MarkOrganization(organization, email):
            registry.mark_organization(organization, email)
        case act.DeleteOrganization(organization):
            registry.delete_organization(organization)
        case act.CreateRobot() | act.RegenerateRobot() | act.DeleteRobot():
            return _apply_to_robot(action, registry)
        case act.CreatePrototype() | act.UpdatePrototype() | act.DeletePrototype():
            return _apply_to_prototype(action, registry)
        case act.CreateRepository() | act.DeleteRepository() | act.SetRepositoryPermission() | act.SetRepositoryState():
            return _apply_to_repository(action, registry)
        case _:
            apply_to_cluster(action, cluster)
    return None


def _apply_to_robot(action: act.RobotAction, registry: RegistryWriter) -> Result:
    match action:
        case act.CreateRobot(organization, _, description):
            return registry.create_robot(organization, action.short_name, description)
        case act.RegenerateRobot(organization):
            return registry.regenerate_robot(organization, action.short_name)
        case act.DeleteRobot(organization):
            registry.delete_robot(organization, action.short_name)
    return None


def _apply_to_prototype(action: act.PrototypeAction, registry: RegistryWriter) -> Result:
    match action:
        case act.CreatePrototype(organization, robot, role):
            return registry.create_prototype(organization, robot, role)
        case act.UpdatePrototype(organization, prototype, role):
            registry.update_prototype(organization, prototype.id, role)
        case act.DeletePrototype(organization, prototype):
            registry.delete_prototype(organization, prototype.id)
    return None


def _apply_to_repository(action: act.RepositoryAction, registry: RegistryWriter) -> Result:
    match action:
        case act.CreateRepository(organization, repository, description):
            return registry.create_repository(organization, repository, description)
        case act.DeleteRepository(organization, repository):
            registry.delete_repository(organization, repository)
        case act.SetRepositoryPermission(organization, repository, robot, role):
            registry.set_repository_permission(organization, repository, robot, role)
        case act.SetRepositoryState(organization, repository, read_only):
            registry.set_repository_state(organization, repository, read_only=read_only)
    return None


def apply_to_cluster(action: act.Action, cluster: ClusterWriter) -> None:
    """The same for the cluster's actions alone; one of the registry's is none of its business and does nothing there."""
    match action:
        case act.AddFinalizer(namespace, uid):
            cluster.add_finalizer(namespace, uid)
        case act.RemoveFinalizer(namespace):
            cluster.remove_finalizer(namespace)
        case act.WritePullSecret(namespace, secret, content):
            cluster.write_pull_secret(namespace, secret, content)
        case act.LinkPullSecret(namespace, account, secret):
            cluster.link_pull_secret(namespace, account, secret)
        case act.RememberDeletion(_, deletion):
            cluster.remember_deletion(deletion)
        case act.ForgetDeletion(_, deletion):
            cluster.forget_deletion(deletion)
        case act.RecordApplied(namespace, applied, status):
            cluster.annotate_namespace(namespace, {APPLIED_ANNOTATION: applied.dumps(), STATUS_ANNOTATION: status})
        case act.UnlinkPullSecret() | act.DeletePullSecret() | act.ClearRecord():
            _take_back(action, cluster)


def _take_back(action: act.CleanupAction, cluster: ClusterWriter) -> None:
    match action:
        case act.UnlinkPullSecret(namespace, account, secret):
            cluster.unlink_pull_secret(namespace, account, secret)
        case act.DeletePullSecret(namespace, secret, fingerprint):
            cluster.delete_pull_secret(namespace, secret, fingerprint)
        case act.ClearRecord(namespace, finalizer):
            cluster.clear_record(namespace, finalizer=finalizer)


def apply_to_integration(action: IntegrationAction, cluster: ClusterWriter) -> None:
    """The same for what is done to a QuayIntegration itself."""
    match action:
        case HoldIntegration(integration):
            cluster.hold_integration(integration)
        case LetIntegrationGo(integration):
            cluster.let_integration_go(integration)
