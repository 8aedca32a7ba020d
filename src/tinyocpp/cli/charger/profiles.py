"""`tinyocpp charger profile set|clear|composite`: limits over time, as section 3.13 has them.

One limit, with or without a span, is made from options; anything else is a file of JSON. Both pass the rules in
profilerules.py before anything is sent.
"""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tinyocpp.cli.charger.dialogue import add_charger, add_connector, dialogue, understood
from tinyocpp.cli.charger.profilerules import mistake, warnings
from tinyocpp.cli.moments import read_moment, read_span
from tinyocpp.cli.tables import Column, add_format, local_time, print_rows
from tinyocpp.errors import Malformed, ProtocolFault, Refused
from tinyocpp.features import rate_units
from tinyocpp.leniency.composite import Composite, Schedule
from tinyocpp.messages.payload import decode_payload, whole_seconds
from tinyocpp.messages.smart_charging import (
    ChargingProfile,
    ChargingProfileKindType,
    ChargingProfilePurposeType,
    ChargingRateUnitType,
    ChargingSchedule,
    ChargingSchedulePeriod,
    ClearChargingProfile,
    GetCompositeSchedule,
    SetChargingProfile,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.cli.charger.dialogue import Dialogue
    from tinyocpp.config import Config

PURPOSES = {
    "max": ChargingProfilePurposeType.CHARGE_POINT_MAX_PROFILE,
    "default": ChargingProfilePurposeType.TX_DEFAULT_PROFILE,
    "tx": ChargingProfilePurposeType.TX_PROFILE,
}
PURPOSE_TOLD = "max: the charger as a whole, default: every charge, tx: the running charge"
BEGUN = timedelta(minutes=1)  # so that a charger whose clock is a little slow obeys at once
DAY_S = 86_400


def _purpose(typed: str) -> ChargingProfilePurposeType:
    """Also as the standard spells it."""
    spelled = {purpose.lower(): purpose for purpose in PURPOSES.values()}
    found = PURPOSES.get(typed.lower()) or spelled.get(typed.lower())
    if found is None:
        raise ArgumentTypeError(f"{typed}: no such purpose; {PURPOSE_TOLD}")
    return found


# --- set


def set_profile_options(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--limit", metavar="L", help="such as 10A (each phase), 4.2kW or 4200W (in all); 0A is a pause")
    what.add_argument("--json", metavar="FILE", help="a whole ChargingProfile; - reads it from standard input")
    parser.add_argument("--purpose", type=_purpose, metavar="max|default|tx", help=f"{PURPOSE_TOLD} (default: default)")
    add_connector(parser, "which of its connectors (default: all, or the one that charges)")
    parser.add_argument("--phases", metavar="N", type=int, choices=(1, 2, 3), help="on how many phases to charge")
    parser.add_argument("--stack", metavar="N", type=int, default=0, help="the highest level wins (default: 0)")
    parser.add_argument("--id", metavar="N", type=int, help="its number (default: the same for the same place)")
    parser.add_argument("--from", dest="begin", metavar="TIME", help="not before (default: now)")
    parser.add_argument("--to", dest="end", metavar="TIME", help="not after (default: until it is cleared)")
    parser.add_argument("--for", dest="span", metavar="SPAN", help="for so long, such as 2h")
    add_charger(parser)


def set_profile(args: Namespace, config: Config) -> int:
    now = datetime.now(UTC)
    typed = _of_file(args.json) if args.json else _Typed(_of_options(args, now, config), args.connector)
    connector_id = args.connector if args.connector is not None else typed.connector_id
    with dialogue(args, config) as charger:
        call = _placed(charger, typed.profile, connector_id)
        profile = call.cs_charging_profiles
        if wrong := mistake(call, now, charger.told):
            raise Malformed(f"profile {profile.charging_profile_id}: {wrong}")
        for warning in warnings(call, charger.told):
            print(f"tinyocpp: {warning}", file=sys.stderr)
        charger.demand(call, profile=profile.charging_profile_id)
    return 0


class _Typed(NamedTuple):
    profile: ChargingProfile
    connector_id: int | None


def _of_options(args: Namespace, now: datetime, config: Config) -> ChargingProfile:
    """One limit. Absolute, which chargers understand best, from a minute ago or from the time given."""
    limit, unit = _limit(args.limit)
    begin = read_moment(args.begin, "--from", now, config.zone()) if args.begin else None
    start = begin or now - BEGUN
    end = read_moment(args.end, "--to", now, config.zone()) if args.end else None
    if args.span:
        if end:
            raise Malformed("--to and --for both say when it ends; leave one of them out")
        end = (begin or now) + read_span(args.span, "--for")
    period = ChargingSchedulePeriod(start_period=0, limit=limit, number_phases=args.phases)
    return ChargingProfile(
        charging_profile_id=args.id or 0,
        stack_level=args.stack,
        charging_profile_purpose=args.purpose or PURPOSES["default"],
        charging_profile_kind=ChargingProfileKindType.ABSOLUTE,
        valid_from=whole_seconds(begin) if begin else None,
        valid_to=whole_seconds(end) if end else None,
        charging_schedule=ChargingSchedule(
            duration=int((end - start).total_seconds()) if end else None,
            start_schedule=whole_seconds(start),
            charging_rate_unit=unit,
            charging_schedule_period=(period,),
        ),
    )


def _limit(typed: str) -> tuple[float, ChargingRateUnitType]:
    """`10A`, `4.2kW`, `2300W`, in any case and with a space or without."""
    for suffix, unit, factor in (("kw", "W", 1000), ("w", "W", 1), ("a", "A", 1)):
        number = typed.lower().removesuffix(suffix).strip()
        if typed.lower().endswith(suffix) and number.replace(".", "", 1).isdecimal():
            return round(float(number) * factor, 1), ChargingRateUnitType(unit)
    raise Malformed(f"--limit {typed}: write amperes per phase such as 10A, or watts in all such as 4200W or 4.2kW")


class _Whole(msgspec.Struct, rename="camel"):
    """A SetChargingProfile as tinyocpp-command takes it; the profile alone will do."""

    cs_charging_profiles: msgspec.Raw = msgspec.Raw()
    connector_id: int | None = None


def _of_file(name: str) -> _Typed:
    try:
        data = sys.stdin.buffer.read() if name == "-" else _bytes(name)
        whole = msgspec.json.decode(data, type=_Whole)
        return _Typed(decode_payload(ChargingProfile, whole.cs_charging_profiles or data), whole.connector_id)
    except msgspec.MsgspecError as error:
        raise Malformed(f"--json {name}: {error}") from None
    except ProtocolFault as fault:
        raise Malformed(f"--json {name}: {fault.description}; nothing was sent") from None


def _bytes(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        raise Malformed(f"--json {name}: {error.strerror}") from None


def _placed(charger: Dialogue, profile: ChargingProfile, connector_id: int | None) -> SetChargingProfile:
    """On the connector it is for; with the running charge's number, as this charger calls it (quirk X7), and a number
    of its own that the same place gets again, so that a new profile replaces the old one."""
    purpose = profile.charging_profile_purpose
    if purpose is ChargingProfilePurposeType.TX_PROFILE:
        running = charger.running(connector_id or 0)
        if running is None:
            where = f", connector {connector_id}" if connector_id else ""
            raise Refused(
                f"no charge is running on {charger.charger_id}{where}; --purpose default limits those to come"
            )
        connector_id = connector_id if connector_id is not None else running.connector_id
        if profile.transaction_id is None:
            number = running.claimed_id or running.transaction_id
            profile = msgspec.structs.replace(profile, transaction_id=number)
    connector_id = connector_id or 0
    if not profile.charging_profile_id:
        number = list(PURPOSES.values()).index(purpose) * 10_000 + profile.stack_level * 100 + connector_id + 1
        profile = msgspec.structs.replace(profile, charging_profile_id=number)
    return SetChargingProfile(connector_id=connector_id, cs_charging_profiles=_in_utc(profile))


def _in_utc(profile: ChargingProfile) -> ChargingProfile:
    """Every time as `2026-06-01T12:00:00Z` (quirk T9)."""
    schedule = profile.charging_schedule
    start = schedule.start_schedule and whole_seconds(schedule.start_schedule)
    return msgspec.structs.replace(
        profile,
        valid_from=profile.valid_from and whole_seconds(profile.valid_from),
        valid_to=profile.valid_to and whole_seconds(profile.valid_to),
        charging_schedule=msgspec.structs.replace(schedule, start_schedule=start),
    )


# --- clear


def clear_options(parser: ArgumentParser) -> None:
    parser.add_argument("--id", metavar="N", type=int, help="the profile of this number")
    parser.add_argument("--purpose", type=_purpose, metavar="max|default|tx", help=PURPOSE_TOLD)
    parser.add_argument("--stack", metavar="N", type=int, help="those of this level")
    add_connector(parser, "those on this connector, 0: those on none")
    parser.add_argument("--all", action="store_true", help="every profile there is")
    add_charger(parser)


def clear(args: Namespace, config: Config) -> int:
    """What is given must all match; with a number, the rest would be passed over by the charger (errata 3.26)."""
    rest = (args.purpose, args.stack, args.connector)
    said = [one for one in (args.id, *rest) if one is not None]
    if bool(said) == args.all:
        raise Malformed("which profiles? say --id, or any of --purpose, --stack and --connector, or --all")
    if args.id is not None and len(said) > 1:
        raise Malformed("--id names one profile; leave --purpose, --stack and --connector out")
    call = ClearChargingProfile(
        id=args.id, connector_id=args.connector, charging_profile_purpose=args.purpose, stack_level=args.stack
    )
    with dialogue(args, config) as charger:
        charger.demand(call)
    return 0


# --- composite


def composite_options(parser: ArgumentParser) -> None:
    add_connector(parser, "of which connector, 0: of the charger as a whole (default: the only one, else 0)")
    parser.add_argument(
        "--duration", metavar="S", type=int, default=DAY_S, help="so many seconds ahead (default: a day)"
    )
    parser.add_argument("--unit", choices=("A", "W"), help="amperes per phase or watts (default: as the charger knows)")
    add_charger(parser)
    add_format(parser)


def composite(args: Namespace, config: Config) -> int:
    if args.duration < 1:
        raise Malformed(f"--duration {args.duration}: write how many seconds ahead, 1 or more")
    with dialogue(args, config) as charger:
        known = charger.connectors()
        connector_id = args.connector if args.connector is not None else known[0].connector_id if len(known) == 1 else 0
        unit = args.unit or rate_units(charger.told("ChargingScheduleAllowedChargingRateUnit"))[0]
        call = GetCompositeSchedule(
            connector_id=connector_id, duration=args.duration, charging_rate_unit=ChargingRateUnitType(unit)
        )
        answer = charger.ask(call) if args.format == "json" else charger.demand(call)
        code = charger.verdict(answer)
    told = understood(answer, Composite)
    columns = (Column("at", "from", local_time(config.zone())), "limit", "unit", "phases")
    empty = "it names no limit" if told.charging_schedule else "it shows no schedule"
    print_rows(_rows(told, unit), columns, args.format, empty=empty)
    return code


def _rows(told: Composite, unit: str) -> list[dict[str, object]]:
    start = told.schedule_start or datetime.now(UTC).replace(microsecond=0)
    schedule = told.charging_schedule or Schedule()
    return [
        {
            "at": _later(start, one.start_period),
            "limit": one.limit,
            "unit": schedule.charging_rate_unit or unit,
            "phases": one.number_phases,
        }
        for one in schedule.charging_schedule_period
    ]


def _later(start: datetime, seconds: int) -> datetime | None:
    """None: outside the calendar."""
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        return None
