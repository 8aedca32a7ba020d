"""`tinyocpp charger list|admit|forget|hold|reject|accept`: who may connect, and what it may do then.

They work on the accounting database, whether or not anything runs; a running host asks it for every connection.
`writing` and `identity_typed` are for every word that writes down something about a charger.
"""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.known import NO_CHARGER, connected_now, look_up, quirks
from tinyocpp.cli.program import printable
from tinyocpp.cli.tables import Column, add_format, local_time, print_rows
from tinyocpp.cli.writing import writing
from tinyocpp.commands import ANSWER_TIMEOUT_S, agreed, status_of
from tinyocpp.companions.commandclient import open_charger
from tinyocpp.dealings import CertificateState
from tinyocpp.errors import Malformed, OperatorError, Refused, Unavailable
from tinyocpp.identity import RULE, fold_identity, valid_identity
from tinyocpp.messages.core_boot import RegistrationStatus
from tinyocpp.messages.payload import encode_payload
from tinyocpp.messages.remote_trigger import MessageTrigger, TriggerMessage
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.config import Config
    from tinyocpp.storage import Registered


def identity_typed(typed: str) -> str:
    if not valid_identity(typed):
        raise Malformed(f"{typed!r}: {RULE}")
    return typed


def add_identity(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")


def show_list_options(parser: ArgumentParser) -> None:
    add_format(parser)


def show_list(args: Namespace, config: Config) -> int:
    with closing(open_reader(config)) as reader:
        known = [one.registered for one in reader.chargers()]
    connected = connected_now(config)
    time = local_time(config.zone())
    rows = [_row(one, connected, config) for one in known]
    columns = (
        Column("charger_id", "charger"),
        Column("connected"),
        Column("admitted_at", "admitted", time),
        Column("password"),
        Column("registration", show=lambda status: "" if status == RegistrationStatus.ACCEPTED else str(status)),
        Column("last_seen_at", "last seen", time),
        Column("model"),
        Column("refusals", "refused", lambda times: str(times or "")),
        Column("refused_why", "why"),
    )
    print_rows(rows, columns, args.format, empty=NO_CHARGER)
    return 0


def _row(one: Registered, connected: set[str], config: Config) -> dict[str, object]:
    row = msgspec.structs.asdict(one)
    row["password"] = row.pop("password_hash") is not None
    row["password_under_way"] = row.pop("password_next") is not None
    row["registration"] = one.registration or config.for_charger(one.charger_id).registration
    return row | {"connected": fold_identity(one.charger_id) in connected}


admit_options = forget_options = add_identity


def admit(args: Namespace, config: Config) -> int:
    with writing(config) as store:
        store.register.admit(identity_typed(args.id), datetime.now(UTC))
    print(f"{args.id} may connect from now on; most chargers try again by themselves within a minute or two")
    return 0


def forget(args: Namespace, config: Config) -> int:
    with writing(config) as store:
        if not store.register.forget(args.id):
            raise Refused(f"there is no charger {args.id}; see: tinyocpp charger list")
        certified = any(one.state is not CertificateState.REVOKED for one in store.ledger.certificates(args.id))
    print(f"{args.id} is forgotten, with its password and security profile; what it charged stays booked")
    if certified:
        print(f"Its certificate would open the door to the next {args.id}: tinyocpp ca revoke {quote(args.id)}")
    say_if_connected(args.id, config)
    return 0


def say_if_connected(identity: str, config: Config) -> None:
    if fold_identity(identity) in connected_now(config):
        print("It is connected and stays so until its connection ends.")


# --- the owner's word on the registration (section 4.2)

WHAT_FLOWS = {
    RegistrationStatus.PENDING: (
        "is held: it stays connected and may be set up, but no charge can be started or stopped, and no tag is accepted"
    ),
    RegistrationStatus.REJECTED: (
        "is rejected: it is asked nothing, and what it says is answered, if at all, with a no; what it books is booked"
    ),
    RegistrationStatus.ACCEPTED: "is accepted: everything may flow",
}

hold_options = reject_options = accept_options = add_identity


def hold(args: Namespace, config: Config) -> int:
    return _register(args, config, RegistrationStatus.PENDING)


def reject(args: Namespace, config: Config) -> int:
    return _register(args, config, RegistrationStatus.REJECTED)


def accept(args: Namespace, config: Config) -> int:
    """One that was held is made to register again at once; one that was rejected is not spoken to, and comes back after
    the interval it was given."""
    known = look_up(args.id, config)
    before = (known and known.registration) or config.for_charger(args.id).registration
    code = _register(args, config, RegistrationStatus.ACCEPTED)
    if known and before == RegistrationStatus.PENDING and fold_identity(args.id) in connected_now(config):
        _boot_again(known, config)
    return code


def _register(args: Namespace, config: Config, status: RegistrationStatus) -> int:
    identity = identity_typed(args.id)
    with writing(config) as store:
        if not store.register.set_registration(identity, status):
            raise Unavailable(f"there is no charger {identity}; see: tinyocpp charger list")
    print(f"{identity} {WHAT_FLOWS[status]}")
    if status is not RegistrationStatus.ACCEPTED and fold_identity(identity) in connected_now(config):
        print("It is connected: this counts within half a minute.")
    return 0


def _boot_again(known: Registered, config: Config) -> None:
    """Best effort: a charger that cannot be asked registers by itself after its interval (section 4.2)."""
    call = TriggerMessage(requested_message=MessageTrigger.BOOT_NOTIFICATION)
    by_itself = "it registers by itself after its interval, or after: tinyocpp charger reset"
    if not quirks(known, config).trigger_boot:
        print(f"It is of a make that must not be asked to register again; {by_itself}")
        return
    try:
        with open_charger(config.runtime_directories, known.charger_id) as client:
            answer = client.call("TriggerMessage", encode_payload(call), timeout_s=ANSWER_TIMEOUT_S)
    except OperatorError as error:
        print(f"tinyocpp: {printable(str(error))}; {by_itself}", file=sys.stderr)
        return
    said = printable(status_of(answer) or "")
    print("It registers again now." if agreed(answer) else f"It answered {said}; {by_itself}")
