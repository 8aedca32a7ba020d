"""The ledger against the truth: chargers with every habit of the quirks catalogue, a network that does its worst.

Hypothesis plays the street of energy_world.py in any order it can think of, through the real session and an SQLite
file. What holds after every step is at the end of House; where a bound is not exact it says why nobody could know.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from energy_world import POWER_W, Charge, ChargePoint, Fate, Habits, Message, Meter, Outlet, Sent, Street, Unit, stamp
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tinyocpp.storage.books import SELECT, transaction_of
from tinyocpp.transactions import booked

if TYPE_CHECKING:
    import pytest

    from tinyocpp.storage import Booking

ROUNDED_WH = {Unit.WH: 1, Unit.KWH: 10, Unit.KWH_CALLED_WH: 1000, Unit.SAMPLES_KWH_CALLED_WH: 1000}
"""How exactly a charger of that unit tells what it has delivered."""

APART_WH = 150_000
"""Between the meters of two sockets: were they nearer, a stop without a number could be of either."""

SURE_WH = 3000
"""Of power against which a register is measured; a little more where it comes in whole kWh."""

MEMORY = "/dev/shm"
"""Where there is such a folder: nothing here is about the disk, and to wait for one takes twice as long as all else."""

fates = st.sampled_from([Fate.HEARD, Fate.HEARD, Fate.HEARD, *Fate])
outlets = st.sampled_from([0, 0, 1, 2])
energies = st.sampled_from([1, 40, 700, 1500])
habits = st.builds(
    Habits,
    meter=st.sampled_from([Meter.LIFETIME, Meter.LIFETIME, *Meter]),
    unit=st.sampled_from([Unit.WH, Unit.WH, *Unit]),
    saturated_start=st.sampled_from([False, False, False, True]),
    short_wh=st.sampled_from([0, 0, 0, 1]),
    own_numbers=st.sampled_from([False, False, False, True]),
    no_number=st.sampled_from([-1, 0, None, 2**63 - 1]),
    names_samples=st.booleans(),
    names_stopper=st.booleans(),
    tells_power=st.booleans(),
)


class Neighbourhood(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="energy", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
        self.street = Street(self.folder / "accounting.sqlite3")
        self.one_tag = False

    def teardown(self) -> None:
        self.street.close()
        shutil.rmtree(self.folder)

    @initialize(
        garage=habits,
        carport=habits,
        first_wh=st.sampled_from([0, 1000, 269456, 4076400]),
        sockets=st.integers(1, 2),
        one_tag=st.booleans(),
    )
    def install(self, garage: Habits, carport: Habits, first_wh: int, sockets: int, one_tag: bool) -> None:
        for one in (garage, carport):  # no charger is known to have both: nothing at all would tell its register
            assume(not (one.saturated_start and one.mislead))
        self.one_tag = one_tag
        self.street.chargers = [
            ChargePoint(self.street, "garage", garage, [first_wh, first_wh + APART_WH][:sockets]),
            ChargePoint(self.street, "carport", carport, [first_wh]),
        ]
        for charger, outlet in self.places():  # else nobody could know that there are two
            charger.status(outlet, "Available")

    def places(self) -> list[tuple[ChargePoint, Outlet]]:
        return [(charger, outlet) for charger in self.street.chargers for outlet in charger.outlets]

    def place(self, index: int) -> tuple[ChargePoint, Outlet]:
        return self.places()[index % len(self.places())]

    def busy(self) -> list[tuple[ChargePoint, Outlet]]:
        return [(charger, outlet) for charger, outlet in self.places() if outlet.charge is not None]

    # What happens on the street.

    @rule(index=outlets, fate=fates)
    def begin(self, index: int, fate: Fate) -> None:
        """A charge begins; where one runs, that one's end is never heard of."""
        charger, outlet = self.place(index)
        if outlet.charge is not None:
            charger.stop(outlet, Fate.LOST)
        count = sum(len(one.charges) for one in self.street.chargers)
        with self.others_untouched(charger):
            charger.start(outlet, "ME" if self.one_tag else f"TAG{count + 1}", fate)

    @precondition(busy)
    @rule(index=outlets, energy_wh=energies, fates=st.lists(fates, min_size=1, max_size=6), named=st.booleans())
    def charge_for_a_while(self, index: int, energy_wh: int, fates: list[Fate], named: bool) -> None:
        charger, outlet = self.busy()[index % len(self.busy())]
        with self.others_untouched(charger):
            for fate in fates:
                outlet.flow(energy_wh)
                self.street.at += timedelta(hours=energy_wh / POWER_W)
                charger.sample(outlet, fate, named=named)

    @precondition(busy)
    @rule(index=outlets, energy_wh=energies, fate=fates)
    def end(self, index: int, energy_wh: int, fate: Fate) -> None:
        charger, outlet = self.busy()[index % len(self.busy())]
        outlet.flow(energy_wh)
        self.street.at += timedelta(hours=energy_wh / POWER_W)
        with self.others_untouched(charger):
            charger.stop(outlet, fate)

    @rule(index=outlets, energy_wh=energies, fates=st.lists(fates, min_size=3, max_size=5))
    def whole_charge(self, index: int, energy_wh: int, fates: list[Fate]) -> None:
        charger, outlet = self.place(index)
        start, *samples, stop = fates
        self.begin(index, start)
        with self.others_untouched(charger):
            for fate in samples:
                outlet.flow(energy_wh)
                self.street.at += timedelta(hours=energy_wh / POWER_W)
                charger.sample(outlet, fate)
            charger.stop(outlet, stop)

    @rule(index=outlets, fate=fates, named=st.booleans())
    def sample(self, index: int, fate: Fate, named: bool) -> None:
        charger, outlet = self.place(index)
        with self.others_untouched(charger):
            charger.sample(outlet, fate, named=named)

    @rule(index=outlets, status=st.sampled_from(["Charging", "SuspendedEV", "Preparing", "Finishing", "Available"]))
    def tell_status(self, index: int, status: str) -> None:
        """What is true, or (quirk X27) nearly so."""
        charger, outlet = self.place(index)
        if (outlet.charge is not None) is (status in ("Charging", "SuspendedEV", "Finishing")):
            with self.others_untouched(charger):
                charger.status(outlet, status)

    @rule(index=outlets, forgets=st.booleans())
    def reboot(self, index: int, forgets: bool) -> None:
        """It may forget its queue and what was charging."""
        charger, _ = self.place(index)
        if forgets:
            charger.queue.clear()
            for outlet in charger.outlets:
                if outlet.charge is not None:
                    charger.stop(outlet, Fate.LOST)
        with self.others_untouched(charger):
            charger.boot()

    @rule(index=outlets, hours=st.sampled_from([0, -1, 2, None]))
    def clock_is_set(self, index: int, hours: int | None) -> None:
        """Or lost: then it says 1970. Not on a charger whose meter began anew: back in time and a lower register is
        what a late start looks like."""
        charger, _ = self.place(index)
        if any(outlet.began_anew for outlet in charger.outlets):
            return
        charger.clock_lost = hours is None
        charger.clock_off = timedelta(hours=hours or 0)
        charger.had_clock_trouble = True

    @rule(index=outlets, energy_wh=st.integers(0, 9))
    def meter_creeps_or_begins_anew(self, index: int, energy_wh: int) -> None:
        """Between charges some meters still move a little (quirk M14); any may be exchanged."""
        charger, outlet = self.place(index)
        if energy_wh and outlet.charge is None:
            outlet.flow(energy_wh)
        elif not energy_wh and not charger.had_clock_trouble:
            outlet.register_wh = 0
            outlet.began_anew = True
            if outlet.charge is not None:
                outlet.charge.reset_amid = True

    # What arrives late, again, or from elsewhere.

    def queued(self) -> list[ChargePoint]:
        return [charger for charger in self.street.chargers if charger.queue]

    @precondition(queued)
    @rule(index=outlets, positions=st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 5]), min_size=1, max_size=8))
    def queue_is_sent(self, index: int, positions: list[int]) -> None:
        charger = self.queued()[index % len(self.queued())]
        with self.others_untouched(charger):
            for position in positions[: len(charger.queue)]:
                charger.send(charger.queue.pop(position % len(charger.queue)))

    @precondition(lambda self: self.street.sent)
    @rule(position=st.integers(0, 100))
    def said_again(self, position: int) -> None:
        sent = self.street.sent[position % len(self.street.sent)]
        self.say_again(sent)

    @precondition(lambda self: self.street.sent)
    @rule(days=st.sampled_from([0, 1, 20]))
    def all_said_again(self, days: int) -> None:
        self.street.at += timedelta(days=days)
        for sent in list(self.street.sent):
            self.say_again(sent)

    @rule(index=outlets, number=st.sampled_from([1, 2, 3, 4711]), tagged=st.booleans(), days=st.integers(0, 3))
    def stop_for_another_server(self, index: int, number: int, tagged: bool, days: int) -> None:
        """It comes out of the charger's queue: of a charge that was over before the one that runs here began."""
        charger, outlet = self.place(index)
        if not all(charge.start_heard for charge in charger.charges):
            return  # nobody could know that it is not that one's
        if any(charge.number == number and (charge.ended or len(charger.outlets) > 1) for charge in charger.charges):
            number = 4711  # by one chance in a thousand it is one of ours: nobody could know that it is no late stop
        began = outlet.charge.started_at if outlet.charge is not None else self.street.at
        payload: dict[str, object] = {
            "transactionId": number,
            "meterStop": outlet.charge.start_shown if outlet.charge is not None else charger.habits.register(outlet),
            "timestamp": stamp(began - timedelta(days=days, minutes=1)),
        }
        if tagged:
            payload["idTag"] = "ME"
        for (
            charge
        ) in charger.charges:  # of this tag, by its time and register: then it can only be that one's (quirk X7)
            charge.mistaken = charge.mistaken or (tagged and self.one_tag and charge.ended and not charge.stop_named)
        with self.others_untouched(charger):
            charger.tell(Message(None, "StopTransaction", payload), Fate.HEARD)

    @rule()
    def we_restart(self) -> None:
        before = self.street.bookings()
        self.street.restart()
        assert self.street.bookings() == before

    @rule(minutes=st.sampled_from([1, 60, 3000]))
    def time_passes(self, minutes: int) -> None:
        self.street.at += timedelta(minutes=minutes)

    def say_again(self, sent: Sent) -> None:
        if "1970" in str(sent.payload) and sent.action != "StopTransaction":
            return  # a start without a time is known again only while it is open and undisturbed
        before = self.street.bookings()
        answer = sent.charger.again(sent)
        assert self.street.bookings() == before
        if sent.action == "StartTransaction":
            assert answer == sent.answer

    # What holds, whatever happened.

    @invariant()
    def nothing_negative(self) -> None:
        assert all(one.energy_wh >= 0 for one in self.street.bookings())

    @invariant()
    def nothing_twice(self) -> None:
        for charger in self.street.chargers:
            booked_wh = sum(one.energy_wh for one in self.street.bookings(charger))
            true_wh = sum(outlet.true_wh for outlet in charger.outlets)
            assert booked_wh <= true_wh + self.unknowable_wh(charger)

    @invariant()
    def what_is_measured_is_true(self) -> None:
        for charger in self.street.chargers:
            charges = {charge.number: charge for charge in charger.charges if charge.number is not None}
            for one in self.street.bookings(charger):
                if one.quality == "measured" and not charger.had_clock_trouble:
                    charge = charges[one.transaction_id]
                    assert charge.id_tag == one.id_tag
                    assert self.is_true(one, charger, charge)

    @invariant()
    def what_was_told_whole_is_booked(self) -> None:
        booked = {one.transaction_id: one for one in self.street.bookings()}
        for charger in self.street.chargers:
            for charge in charger.charges:
                if charge.start_heard:
                    assert charge.number in booked
                if charge.start_heard and charge.stop_heard and charge.stop_named and not charger.had_clock_trouble:
                    one = booked[charge.number]
                    assert one.quality in ("measured", "flagged", "estimated"), one
                    if one.quality == "estimated":
                        assert charger.habits.saturated_start

    @invariant()
    def books_agree_with_the_rules(self) -> None:
        for *row, energy_wh, quality in self.street.store._db.rows(
            SELECT.replace(" FROM", ", energy_wh, quality FROM")
        ):
            assert booked(transaction_of(tuple(row))) == (energy_wh, quality)

    def unknowable_wh(self, charger: ChargePoint) -> int:
        """How much more may be booked for it than has flowed: see docs/ledger.md, What nobody can know."""
        each_wh = ROUNDED_WH[charger.habits.unit]
        if charger.habits.unit is Unit.SAMPLES_KWH_CALLED_WH:  # kWh are taken for Wh from zero until the power tells
            each_wh += max(outlet.highest_wh for outlet in charger.outlets) // 1000
        misled_wh = sum(outlet.highest_wh for outlet in charger.outlets if outlet.misled)
        return each_wh * len(self.street.bookings(charger)) + misled_wh

    def is_true(self, one: Booking, charger: ChargePoint, charge: Charge) -> bool:
        if charge.reset_amid or charge.mistaken:
            return True  # nobody could know
        if charger.habits.unit is Unit.KWH_CALLED_WH:
            return not charger.habits.tells_power or charge.proven_wh < SURE_WH + 2000
        return charge.ended and one.energy_wh == charge.energy_wh - charger.habits.short_wh

    def others_untouched(self, charger: ChargePoint) -> Untouched:
        return Untouched(self.street, charger)


class Untouched:
    """What one charger says changes nothing that belongs to another."""

    def __init__(self, street: Street, charger: ChargePoint) -> None:
        self._street = street
        self._charger = charger

    def __enter__(self) -> None:
        self._before = self._others()

    def __exit__(self, *failure: object) -> None:
        if failure[0] is None:
            assert self._others() == self._before

    def _others(self) -> list[Booking]:
        return [one for one in self._street.bookings() if one.charger_id != self._charger.identity]


def test_energy_is_right_whatever_chargers_say(request: pytest.FixtureRequest) -> None:
    """The same streets every time; of more than usual, others each time: `pytest tests/storage/test_energy_model.py
    --streets 20000`."""
    usual, streets = 300, request.config.getoption("--streets")
    run_state_machine_as_test(
        Neighbourhood,
        settings=settings(
            max_examples=streets or usual,
            stateful_step_count=25,
            derandomize=not streets,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
