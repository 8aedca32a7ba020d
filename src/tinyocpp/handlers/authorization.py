"""May this tag charge? Authorize, and the judgement StartTransaction shares with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.leniency import Oddity, OddityKind
from tinyocpp.messages.core import Authorize, AuthorizeResult
from tinyocpp.messages.core_boot import RegistrationStatus
from tinyocpp.messages.payload import whole_seconds
from tinyocpp.messages.types import AuthorizationStatus, IdTagInfo

if TYPE_CHECKING:
    from tinyocpp.charger import Charger, RunningWith
    from tinyocpp.tags import Verdict


def authorize(call: Authorize, charger: Charger) -> AuthorizeResult:
    """Say what the tag may do. ConcurrentTx is no answer here: the question also precedes a stop (section 4.1)."""
    return AuthorizeResult(id_tag_info=info(judge(call.id_tag, charger), charger))


def judge(id_tag: str, charger: Charger, running_with: RunningWith | None = None) -> Verdict:
    """The verdict on a tag shown to this charger. A remote start under way counts for more than the list, unless the
    tag is blocked: whoever holds the shell may start a charge."""
    now = charger.clock.now()
    verdict = charger.tags.judge(id_tag, now)
    if verdict.status is AuthorizationStatus.ACCEPTED and running_with is not None:
        verdict = charger.tags.judge(id_tag, now, running=running_with(verdict.id_tag))
    if charger.registration is not RegistrationStatus.ACCEPTED:
        return msgspec.structs.replace(verdict, status=AuthorizationStatus.INVALID, expiry_date=None)
    if verdict.status in (AuthorizationStatus.ACCEPTED, AuthorizationStatus.BLOCKED):
        return verdict
    if charger.ledger.granted(charger.id, id_tag, now):
        return msgspec.structs.replace(verdict, status=AuthorizationStatus.ACCEPTED)
    if verdict.status is AuthorizationStatus.INVALID:
        charger.note(Oddity(OddityKind.UNKNOWN_TAG, verdict.id_tag))
    return verdict


def info(verdict: Verdict, charger: Charger) -> IdTagInfo:
    """The verdict as the charger is told it. Accepted until the past, in a first answer given again, would make it drop
    the tag at once."""
    expiry_date = verdict.expiry_date
    return IdTagInfo(
        status=verdict.status,
        parent_id_tag=verdict.parent_id_tag,
        expiry_date=whole_seconds(expiry_date) if expiry_date and expiry_date > charger.clock.now() else None,
    )
