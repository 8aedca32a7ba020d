"""What the statuses of an update and of an upload mean, in words: for the word that waits, and for `tinyocpp status`.

A status that is in no table is the maker's own, and shown as it is.
"""

from __future__ import annotations

import msgspec

from tinyocpp.dealings import UpkeepKind


class Meaning(msgspec.Struct, frozen=True):
    """`good` says whether it is the end, and which. `remedy` is for the bad one."""

    sentence: str
    good: bool | None = None
    remedy: str = ""


OTHER_FILE = "ask the maker which file is for this model and version"
SIGNED_BY = "give the signature and the certificate that the maker published with this very file"
FIRMWARE = {
    "DownloadScheduled": Meaning("will fetch it later"),
    "Downloading": Meaning("fetches it"),
    "DownloadPaused": Meaning("has stopped fetching it for a while"),
    "Downloaded": Meaning("has it"),
    "SignatureVerified": Meaning("finds the signature right"),
    "InstallScheduled": Meaning("will install it later"),
    "Installing": Meaning("installs it; leave it switched on"),
    "InstallRebooting": Meaning("restarts with it"),
    "Installed": Meaning("has installed it", good=True),
    "DownloadFailed": Meaning("could not fetch it", good=False),  # the remedy is in what we have seen of it
    "InstallationFailed": Meaning("could not install it", good=False, remedy=OTHER_FILE),
    "InstallVerificationFailed": Meaning("finds it broken", good=False, remedy=OTHER_FILE),
    "InvalidSignature": Meaning("finds the signature wrong", good=False, remedy=SIGNED_BY),
    "Idle": Meaning("has nothing to do"),
}
UPLOAD = {
    "Uploading": Meaning("brings it"),
    "Uploaded": Meaning("has brought it", good=True),
    "UploadFailed": Meaning("could not bring it", good=False),
    "UploadFailure": Meaning("could not bring it", good=False),
    "BadMessage": Meaning("does not understand us", good=False, remedy="try: tinyocpp charger diagnostics get"),
    "NotSupportedOperation": Meaning("cannot bring it this way", good=False, remedy="try it with --ftp, or without"),
    "PermissionDenied": Meaning("was not let in", good=False),
    "Idle": Meaning("has nothing to do"),
}

MEANINGS = {UpkeepKind.FIRMWARE: FIRMWARE, UpkeepKind.DIAGNOSTICS: UPLOAD, UpkeepKind.LOG: UPLOAD}
