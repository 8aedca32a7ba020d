"""`tinyocpp ca`: an own certificate authority, for TLS without anybody else (security paper A00, A02).

`init` makes it in one step, with the server's certificates; `renew` makes those anew. `issue` and `sign` are for a
charger that cannot ask by itself (`tinyocpp charger certificate renew` is for one that can), `revoke` is for one that
was sold or stolen. Every word says what to type next. docs/security.md has the whole way.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from contextlib import closing
from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.certificates import expiry, plain_serial
from tinyocpp.cli.charger.door import identity_typed, say_if_connected
from tinyocpp.cli.tables import Column, add_format, local_time, print_rows
from tinyocpp.cli.writing import writing
from tinyocpp.config import FILE
from tinyocpp.dealings import CertificateState, IssuedCertificate
from tinyocpp.errors import CertificateRefused, Malformed, NotPermitted, Refused, StorageError
from tinyocpp.handlers.certificates import serial_number_of
from tinyocpp.hosts.addresses import own_addresses
from tinyocpp.identity import fold_identity
from tinyocpp.places import configuration_directories
from tinyocpp.storage import configedit, open_reader
from tinyocpp.storage.authority import ROOT, ROOT_YEARS, SERVER, open_authority, read_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.charger import Signed
    from tinyocpp.config import Config
    from tinyocpp.storage.authority import FileAuthority

NAME, ORGANISATION = "tinyocpp", "Home"
MOST_YEARS = 100
KEY_MODE, FOLDER_MODE = 0o600, 0o700


def configure(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="what", required=True, metavar="init|show|renew|issue|sign|revoke")

    init = words.add_parser("init", help="make the authority and the server's certificates", allow_abbrev=False)
    init.add_argument("--name", metavar="N", default=NAME, help=f"of the authority (default: {NAME})")
    told = f"what stands as O in every certificate (default: {ORGANISATION})"
    init.add_argument("--organisation", metavar="O", default=ORGANISATION, help=told)
    told = f"how long the authority is valid (default: {ROOT_YEARS})"
    init.add_argument("--years", metavar="N", type=_years, default=ROOT_YEARS, help=told)
    init.add_argument("--write", action="store_true", help="put [listener.tls] into the configuration")
    _add_hosts(init, "default: this machine's names and addresses")

    add_format(words.add_parser("show", help="what there is, and how long it is valid", allow_abbrev=False))
    _add_hosts(
        words.add_parser("renew", help="the server's certificates anew", allow_abbrev=False), "default: as before"
    )

    issue = words.add_parser("issue", help="a key and a certificate for a charger", allow_abbrev=False)
    issue.add_argument("id", metavar="ID", help="the charger")

    sign = words.add_parser("sign", help="a certificate for a signing request in a file", allow_abbrev=False)
    sign.add_argument("file", metavar="FILE", help="the request (PKCS #10, PEM); - is standard input")
    sign.add_argument("--charger", metavar="ID", required=True, help="which charger has made it")

    revoke = words.add_parser("revoke", help="refuse a charger's certificates from now on", allow_abbrev=False)
    revoke.add_argument("which", metavar="SERIAL|ID", help="one certificate, or all of a charger")


def _add_hosts(parser: argparse.ArgumentParser, told: str) -> None:
    told = f"a name or address chargers reach us under, the best first; may be said again ({told})"
    parser.add_argument("--host", metavar="H", action="append", default=[], help=told)


def _years(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_YEARS:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MOST_YEARS}")
    return int(text)


def run(args: argparse.Namespace, config: Config) -> int:
    WHAT[args.what](args, config)
    return 0


# --- the authority and the server


def _init(args: argparse.Namespace, config: Config) -> None:
    authority = open_authority(config)
    hosts = args.host or _own_names()
    authority.create(args.name, args.organisation, hosts, datetime.now(UTC), args.years)
    print(f"{authority.folder} has the authority {args.name!r}, and certificates that name {', '.join(hosts)}")
    print(f"Keep {authority.path(ROOT, 'key')} to yourself, and a copy of the folder in a safe place.\n")
    table = _table(authority)
    if args.write:
        file = _configuration_file(config)
        configedit.put(file, ("listener", "tls"), table)
        print(f"[listener.tls] is in {file} now. What is next:")
    else:
        print("Put this into the configuration (--write does it):\n\n[listener.tls]")
        print("\n".join(f"{key} = {_toml(value)}" for key, value in table.items()))
        print("\nWhat is next:")
    print(
        "  restart tinyocpp-listener: it then answers wss too\n"
        "  tinyocpp charger certificate install --charger ID   the charger learns to trust us\n"
        "  tinyocpp charger security ID 2                      the charger comes over TLS from then on"
    )


def _own_names() -> list[str]:
    """The full name first, if there is one; loopback last, for trying things on this machine."""
    full, short = socket.getfqdn(), socket.gethostname()
    names = [name for name in (full, short) if name and "localhost" not in name and not name.endswith(".arpa")]
    return list(dict.fromkeys([*names, *own_addresses(), "localhost", "127.0.0.1", "::1"]))


def _table(authority: FileAuthority) -> dict[str, object]:
    return {
        "certificate": [authority.path(kind) for kind in SERVER],
        "key": [authority.path(kind, "key") for kind in SERVER],
        "client_ca": authority.path(ROOT),
        "client_organisation": authority.organisation,
    }


def _toml(value: object) -> str:
    return msgspec.json.encode(value).decode().replace('","', '", "')


def _configuration_file(config: Config) -> str:
    return config.source or os.path.join(configuration_directories(os.environ)[0], FILE)


def _show(args: argparse.Namespace, config: Config) -> None:
    authority, now = open_authority(config), datetime.now(UTC)
    rows = []
    for name in (ROOT, *SERVER):
        one = authority.certificate(name)
        rows.append(_row(authority.path(name), one.common_name, one.serial, one.not_after, now, "in use"))
    with closing(open_reader(config)) as reader:
        for issued in reader.certificates():
            rows.append(_row("", issued.charger_id, issued.serial, issued.expires_at, now, issued.state))
    columns = (
        Column("common_name", "for"),
        Column("state"),
        Column("expires_at", "until", local_time(config.zone())),
        Column("soon", "", str),
        Column("serial"),
        Column("file"),
    )
    print_rows(rows, columns, args.format)


def _row(file: str, name: str, serial: str, expires_at: datetime, now: datetime, state: str) -> dict[str, object]:
    soon = expiry(expires_at, now)
    row = {"common_name": name, "serial": serial, "expires_at": expires_at, "state": state}
    return row | {"soon": soon, "file": file}


def _renew(args: argparse.Namespace, config: Config) -> None:
    authority = open_authority(config)
    hosts = authority.renew(args.host, datetime.now(UTC))
    print(f"{' and '.join(map(authority.path, SERVER))} are new, and name {', '.join(hosts)}")
    print("A running listener takes them with SIGHUP (systemctl reload tinyocpp); no connection ends for it.")


# --- chargers


def _issue(args: argparse.Namespace, config: Config) -> None:
    identity, authority, now = identity_typed(args.id), open_authority(config), datetime.now(UTC)
    folder = os.path.join(authority.folder, "chargers")
    files = {ending: os.path.join(folder, f"{identity}.{ending}") for ending in ("pem", "key")}
    if taken := [path for path in files.values() if os.path.lexists(path)]:
        raise Refused(f"{taken[0]} is there already; move it away first")
    signed, key = authority.issue(identity, now)
    with writing(config) as store:
        store.ledger.certificate_issued(_handed_over(identity, signed, now))
        _write_new(files["key"], key)
        _write_new(files["pem"], signed.chain_pem.encode())
    print(f"{files['pem']} and {files['key']} are for {identity}, until {_local(signed, config)}.")
    print("Bring both into the charger, then delete the key here: it is needed nowhere else.")
    print(f"Some want them in one file: openssl pkcs12 -export -in {quote(files['pem'])} -inkey {quote(files['key'])}")


def _sign(args: argparse.Namespace, config: Config) -> None:
    identity, now = identity_typed(args.charger), datetime.now(UTC)
    request = sys.stdin.read() if args.file == "-" else read_file(args.file).decode("ascii", "replace")
    with writing(config) as store:
        boot = store.ledger.last_boot(identity)
        try:
            signed = open_authority(config).sign(identity, serial_number_of(boot), request, now)
        except CertificateRefused as refusal:
            raise Malformed(f"{args.file}: {refusal}") from None
        store.ledger.certificate_issued(_handed_over(identity, signed, now))
    print(signed.chain_pem, end="")
    print(f"tinyocpp: for {identity}, until {_local(signed, config)}", file=sys.stderr)


def _handed_over(identity: str, signed: Signed, now: datetime) -> IssuedCertificate:
    """By a person, so it counts as installed."""
    return IssuedCertificate(
        serial=signed.serial,
        charger_id=identity,
        issued_at=now,
        expires_at=signed.expires_at,
        pem=signed.chain_pem,
        state=CertificateState.INSTALLED,
    )


def _revoke(args: argparse.Namespace, config: Config) -> None:
    with closing(open_reader(config)) as reader:
        known = reader.certificates()
    meant = [one for one in known if fold_identity(one.charger_id) == fold_identity(args.which)]
    meant = meant or [one for one in known if one.serial == plain_serial(args.which)]
    if not meant:
        raise Refused(f"our authority has signed nothing for {args.which}; see: tinyocpp ca show")
    with writing(config) as store:
        for one in meant:
            store.ledger.certificate_state(one.serial, CertificateState.REVOKED)
    serials = ", ".join(one.serial for one in meant)
    print(f"{serials} of {meant[0].charger_id}: refused from its next connection on")
    say_if_connected(meant[0].charger_id, config)


def _write_new(path: str, data: bytes) -> None:
    try:
        os.makedirs(os.path.dirname(path), mode=FOLDER_MODE, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE), "wb") as file:
            file.write(data)
    except PermissionError as error:
        raise NotPermitted(f"{path}: {error.strerror}; ask its owner, or use sudo") from None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None


def _local(signed: Signed, config: Config) -> str:
    return f"{signed.expires_at.astimezone(config.zone()):%Y-%m-%d}"


WHAT: dict[str, Callable[[argparse.Namespace, Config], None]] = {
    "init": _init,
    "show": _show,
    "renew": _renew,
    "issue": _issue,
    "sign": _sign,
    "revoke": _revoke,
}
