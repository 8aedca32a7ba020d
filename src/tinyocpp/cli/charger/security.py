"""`tinyocpp charger security`: which security profile a charger has to use, and moving it up one (security paper, A05).

What cannot work is refused before the charger is asked, as one that comes back with a profile we cannot serve is a
charger nobody reaches any more. The old profile is let in until it has come with the new one; then nothing lower is.
Down it goes by its owner's word only, and that word is `--lower`.
"""

from __future__ import annotations

import time
from contextlib import closing
from shlex import quote
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.charger.dialogue import Dialogue, understood
from tinyocpp.cli.charger.door import identity_typed
from tinyocpp.cli.known import NO_CHARGER, connected_now, look_up
from tinyocpp.cli.program import add_timeout, printable
from tinyocpp.cli.tables import Column, add_format, local_time, print_rows
from tinyocpp.cli.writing import writing
from tinyocpp.commands import ANSWER_TIMEOUT_S, agreed, status_of
from tinyocpp.companions.commandclient import open_charger
from tinyocpp.errors import CallRefused, Malformed, NoAnswer, Refused, Unavailable
from tinyocpp.hosts.addresses import urls
from tinyocpp.identity import fold_identity
from tinyocpp.messages.core_central import ChangeConfiguration, Reset, ResetType
from tinyocpp.messages.security import CertificateUse, GetInstalledCertificateIds
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from tinyocpp.config import Config
    from tinyocpp.storage import Registered

MEANS = ("nothing is asked of it", "a password", "a password over TLS", "a client certificate over TLS")
RETURN_S = 180.0  # a charger that restarts for it needs a minute or two
LOOK_AGAIN_S = 0.3


def security_options(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="this charger (default: show all)")
    parser.add_argument("profile", metavar="N", nargs="?", type=int, choices=(1, 2, 3), help="move it up to this one")
    parser.add_argument("--lower", metavar="N", type=int, choices=(0, 1, 2), help="let it in with less again")
    parser.add_argument("--anyway", action="store_true", help="though it is not known whether the charger is ready")
    parser.add_argument("--reset", action="store_true", help="restart it when it has agreed, as many need it")
    add_timeout(parser, RETURN_S)
    add_format(parser)


def security(args: Namespace, config: Config) -> int:
    if args.id is None:
        return _show(config, None, args.format)
    identity = identity_typed(args.id)
    if args.lower is not None:
        if args.profile is not None:
            raise Malformed(f"up to {args.profile} or down to {args.lower}? Say one of them")
        return _lower(identity, args.lower, config)
    return _show(config, identity, args.format) if args.profile is None else _move_up(identity, args, config)


# --- show


def _show(config: Config, identity: str | None, format_: str) -> int:
    with closing(open_reader(config)) as reader:
        known = [one.registered for one in reader.chargers()]
    wanted = [one for one in known if identity is None or fold_identity(one.charger_id) == fold_identity(identity)]
    if identity is not None and not wanted:
        raise Unavailable(f"there is no charger {identity}; see: tinyocpp charger list")
    connected = connected_now(config)
    time_ = local_time(config.zone())
    columns = (
        Column("charger_id", "charger"),
        Column("connected"),
        Column("least_profile", "at least"),
        Column("proven_profile", "proven"),
        Column("asked_profile", "asked"),
        Column("connected_profile", "last used"),
        Column("connected_with", "TLS"),
        Column("password"),
        Column("certificate_serial", "certificate"),
        Column("certificate_expires_at", "until", time_),
        Column("refused_at", "last refused", time_),
        Column("refused_why", "why"),
    )
    rows = [_row(one, config, connected) for one in wanted]
    print_rows(rows, columns, format_, empty=NO_CHARGER)
    return 0


def _row(one: Registered, config: Config, connected: set[str]) -> dict[str, object]:
    configured = config.for_charger(one.charger_id).security_profile
    keys = one.keys
    return {
        "charger_id": one.charger_id,
        "connected": fold_identity(one.charger_id) in connected,
        "least_profile": max(configured, one.security_profile),
        "configured_profile": configured,
        "proven_profile": one.security_profile,
        "asked_profile": one.security_profile_next,
        "connected_profile": one.connected_profile,
        "connected_with": one.connected_with,
        "password": "on its way" if keys.under_way else "yes" if keys.current else "no",
        "certificate_serial": one.certificate_serial,
        "certificate_expires_at": one.certificate_expires_at,
        "refused_at": one.refused_at,
        "refused_from": one.refused_from,
        "refused_why": one.refused_why,
    }


# --- down


def _lower(identity: str, profile: int, config: Config) -> int:
    known = _known(identity, config)
    if known.security_profile <= profile:
        raise Malformed(f"{identity} has to use {known.security_profile} at least, which is no more than {profile}")
    with writing(config) as store:
        store.register.set_profile(identity, profile)
    means = "its password" if profile == 0 and known.keys.all else MEANS[profile]
    print(f"Whoever calls itself {identity} is let in with security profile {profile} again: {means}.")
    if known.keys.all:
        print(f"Has it lost its password too? tinyocpp charger password --remove {quote(identity)}")
    configured = config.for_charger(identity).security_profile
    if configured > profile:
        print(f"But charger.{identity}.security_profile = {configured} stands in the configuration, and counts.")
    print("The charger itself keeps its profile: it can be lowered in its own menu only, never from here.")
    return 0


# --- up


def _move_up(identity: str, args: Namespace, config: Config) -> int:
    known = _known(identity, config)
    profile: int = args.profile
    if known.security_profile >= profile:
        if known.security_profile == profile:
            print(f"{identity} has come with security profile {profile} before; nothing was sent")
            return 0
        raise Malformed(
            f"{identity} is at {known.security_profile}; down it goes by its own menu and --lower {profile}"
        )
    missing = next(_missing_here(known, profile, config), None)
    if missing is not None:
        raise Refused(f"security profile {profile} cannot work yet: {missing}")
    with open_charger(config.runtime_directories, identity) as client, closing(open_reader(config)) as reader:
        charger = Dialogue(client, reader, config, ANSWER_TIMEOUT_S)
        doubt = None if args.anyway else _missing_there(charger, known, profile)
        if doubt is not None:
            raise Refused(f"security profile {profile} may not work: {doubt}; or try it with --anyway")
        try:
            answer = _ask(charger, profile)
        except Refused:
            if known.security_profile_next == profile:
                _keep_asked(identity, profile, config)
            raise
        print(f"{identity} answered {answer}: {_explained(answer)}")
        if args.reset:
            _reset(charger)
    for url in (
        urls("wss", config.listener.host, config.listener.tls.port) if profile >= 2 and config.listener.tls else ()
    ):
        print(f"If it does not find the way by itself, its server is now: {url}")
    return _wait(identity, profile, config, args)


def _missing_here(known: Registered, profile: int, config: Config) -> Iterator[str]:
    """What we know to be missing, with the remedy."""
    identity, tls = quote(known.charger_id), config.listener.tls
    if profile < 3 and not known.keys.all:
        yield f"it has no password; tinyocpp charger password --rotate {identity}"
    if profile >= 2 and tls is None:
        yield "there is no [listener.tls] in the configuration; tinyocpp ca init --write makes one"
    if profile == 3 and tls is not None and not tls.client_ca:
        yield "[listener.tls] client_ca is not set: who signs the chargers' certificates?"


class _Listed(msgspec.Struct, rename="camel"):
    certificate_hash_data: list[object] | None = None


def _missing_there(charger: Dialogue, known: Registered, profile: int) -> str | None:
    """What the charger may lack: it would accept, fail to connect, and need somebody to walk to it. One that is
    connected over TLS trusts us already."""
    name = quote(known.charger_id)
    if profile >= 2 and not known.connected_with:
        try:
            root = CertificateUse.CENTRAL_SYSTEM_ROOT_CERTIFICATE
            answer = charger.ask(GetInstalledCertificateIds(certificate_type=root))
            trusts = bool(understood(answer, _Listed).certificate_hash_data)
        except CallRefused:
            return "it cannot say whether it trusts our certificate"
        if not trusts:
            return f"it trusts no authority; tinyocpp charger certificate install --charger {name}"
    own = charger.reader.certificates(known.charger_id)
    if profile == 3 and not known.certificate_serial and not any(one.state == "installed" for one in own):
        return f"it has no certificate that we know of; tinyocpp charger certificate renew --charger {name}"
    return None


def _ask(charger: Dialogue, profile: int) -> str:
    """The status it agrees with. Raises Refused, with what it may be missing (A05.FR.01 to 04)."""
    answer = charger.ask(ChangeConfiguration(key="SecurityProfile", value=str(profile)))
    status = status_of(answer) or "without a status"
    if agreed(answer):
        return status
    if status.lower() == "notsupported":
        raise Refused(f"{charger.charger_id} knows no SecurityProfile: choose it in its own menu, and its server's URL")
    wants = {
        1: "an AuthorizationKey of 16 to 20 bytes",
        2: "an AuthorizationKey of 16 to 20 bytes and the root of our certificate",
        3: "the root of our certificate and a certificate of its own",
    }[profile]
    raise Refused(f"{charger.charger_id} answered {status}: it wants a profile above its own, and {wants}")


def _keep_asked(identity: str, profile: int, config: Config) -> None:
    """It was asked before and has not come with it. To be asked for what it has is Rejected as well (A05.FR.01), so
    that says nothing: as soon as it comes with it, nothing lower counts."""
    with writing(config) as store:
        store.register.ask_profile(identity, profile)
    print(f"It was asked for {profile} before, may have it by now, and is let in with either until it comes with it.")


def _explained(status: str) -> str:
    if status.lower() == "accepted":
        return "it connects again with the new profile"
    return "the new profile counts after a restart (--reset, or tinyocpp charger reset hard)"


def _reset(charger: Dialogue) -> None:
    """Best effort: one that hangs up at once to come back has done what it was asked."""
    try:
        charger.demand(Reset(type=ResetType.HARD))
    except (Unavailable, NoAnswer, CallRefused, Refused) as error:
        print(f"It was not restarted: {printable(str(error))}")


def _wait(identity: str, profile: int, config: Config, args: Namespace) -> int:
    """Until it has come with the profile: the door pins it then."""
    deadline = time.monotonic() + args.timeout
    came_at = _known(identity, config).connected_at
    told = False
    while True:
        known = _known(identity, config)
        if known.security_profile >= profile:
            used = known.connected_profile
            with_ = f" ({known.connected_with})" if known.connected_with else ""
            print(f"{identity} came with security profile {used}{with_}: from now on nothing below {profile} is let in")
            return 0
        if known.security_profile_next is None:
            raise Refused(f"{identity} has taken it back: it stays with the profile it has")
        if known.connected_at != came_at and not told:
            told = True
            print(f"{identity} came back with profile {known.connected_profile}; waiting for it to try the new one")
        if time.monotonic() > deadline:
            raise NoAnswer(_still_waiting(identity, profile, known, args))
        time.sleep(LOOK_AGAIN_S)


def _still_waiting(identity: str, profile: int, known: Registered, args: Namespace) -> str:
    what = f"{identity} has not come with security profile {profile} within {args.timeout:g} s"
    if known.refused_at is not None and known.refused_at > (known.connected_at or known.refused_at):
        what += f" (last refused: {known.refused_why})"
    todo = "see its menu" if args.reset else f"restart it: tinyocpp charger reset hard --charger {quote(identity)}"
    url = ", or type the wss URL into it" if profile >= 2 else ""
    return f"{what}; it is let in with the old one until it does: {todo}{url}"


def _known(identity: str, config: Config) -> Registered:
    found = look_up(identity, config)
    if found is None:
        raise Unavailable(f"there is no charger {identity}; see: tinyocpp charger list")
    return found
