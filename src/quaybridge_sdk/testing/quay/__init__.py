"""A small Quay on loopback: the REST API a bridge uses, and a registry to push to and pull from.

    with EmbeddedQuay() as quay:
        httpx.post(f"{quay.url}/api/v1/organization/", headers={"Authorization": f"Bearer {quay.token}"}, ...)

It answers as a real Quay does, also where that surprises: 400 for what exists already, 200 with an empty list for what
does not, 500 for some mistakes of the caller. Each recorded exchange with a real Quay is replayed against it by the
tests. It knows nothing of the SDK's own client.

What it does not imitate it answers with 501; ``NOT_IMITATED`` lists those routes. Two things it does not do although a
real Quay does: races (two creations at once end here in one 201 and clean 400s), and losing work half-way.
"""

from .routes import NOT_IMITATED
from .server import EmbeddedQuay
from .snapshots import OrganizationSnapshot, PrototypeSnapshot, RepositorySnapshot, RobotSnapshot, token_sha256

__all__ = [
    "NOT_IMITATED",
    "EmbeddedQuay",
    "OrganizationSnapshot",
    "PrototypeSnapshot",
    "RepositorySnapshot",
    "RobotSnapshot",
    "token_sha256",
]
