"""The LocalAuthListManagement profile: tags a charger knows by itself."""

from __future__ import annotations

from enum import StrEnum

from tinyocpp.messages.payload import IdToken, Int, Payload
from tinyocpp.messages.types import IdTagInfo


class GetLocalListVersion(Payload):
    """Us: which list have you (section 5.10)?"""


class GetLocalListVersionResult(Payload):
    """Charger: the number of its list (section 5.10)."""

    list_version: Int  # 0 for an empty list, -1 when lists are not supported


class AuthorizationData(Payload):
    """One tag of the list; in a Differential update one without idTagInfo is taken off it."""

    id_tag: IdToken
    id_tag_info: IdTagInfo | None = None


class UpdateType(StrEnum):
    """Replace the list or change it."""

    DIFFERENTIAL = "Differential"
    FULL = "Full"


class SendLocalList(Payload):
    """Us: this is your list, or what has changed in it (section 5.15)."""

    list_version: Int  # after the update
    local_authorization_list: tuple[AuthorizationData, ...] | None = None
    update_type: UpdateType


class UpdateStatus(StrEnum):
    """What became of the update."""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    NOT_SUPPORTED = "NotSupported"
    VERSION_MISMATCH = "VersionMismatch"


class SendLocalListResult(Payload):
    """Charger: whether the list was taken (section 5.15)."""

    status: UpdateStatus
