"""A meter's reading as the sampled values of a MeterValue: one table from measurand to figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.messages.samples import Measurand, MeterValue, Phase, ReadingContext, SampledValue, UnitOfMeasure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from tinyocpp.simulator.car import Reading

    Figures = Callable[[Reading], list[tuple[str, Phase | None]]]

_PHASES = (Phase.L1, Phase.L2, Phase.L3)


def _currents(reading: Reading) -> list[tuple[str, Phase | None]]:
    """Of each phase there is; 0 A where none flows."""
    shown = zip(reading.currents_a, _PHASES, strict=True)
    return [(f"{current_a:.1f}", phase) for current_a, phase in list(shown)[: reading.wired]]


def _voltages(reading: Reading) -> list[tuple[str, Phase | None]]:
    return [(f"{reading.voltage_v:.1f}", phase) for phase in _PHASES[: reading.wired]]


MEASURANDS: dict[Measurand, tuple[UnitOfMeasure, Figures]] = {
    Measurand.ENERGY_ACTIVE_IMPORT_REGISTER: (UnitOfMeasure.WH, lambda r: [(str(r.register_wh), None)]),
    Measurand.POWER_ACTIVE_IMPORT: (UnitOfMeasure.W, lambda r: [(f"{r.power_w:.0f}", None)]),
    Measurand.CURRENT_IMPORT: (UnitOfMeasure.A, _currents),
    Measurand.CURRENT_OFFERED: (UnitOfMeasure.A, lambda r: [(f"{r.offered_a:.1f}", None)]),
    Measurand.VOLTAGE: (UnitOfMeasure.V, _voltages),
    Measurand.SOC: (
        UnitOfMeasure.PERCENT,
        lambda r: [] if r.soc_percent is None else [(str(r.soc_percent), None)],
    ),
}


def meter_value(
    reading: Reading, measurands: Iterable[str], context: ReadingContext, at: datetime
) -> MeterValue | None:
    """The asked measurands taken at `at`; None when there is nothing to say. Defaults are spelled out: not every
    central system knows them."""
    values = []
    for name in measurands:
        measurand = Measurand(name)
        unit, figures = MEASURANDS[measurand]
        values += [
            SampledValue(value=value, context=context, measurand=measurand, phase=phase, unit=unit)
            for value, phase in figures(reading)
        ]
    return MeterValue(timestamp=at, sampled_value=tuple(values)) if values else None
