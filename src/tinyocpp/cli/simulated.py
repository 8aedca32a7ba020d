"""What came of a simulated visit: the last lines of `tinyocpp simulate`, its JSON document and its exit status."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.errors import NoAnswer, Refused
from tinyocpp.identity import SIMULATOR, fold_identity
from tinyocpp.simulator.visit import Outcome

if TYPE_CHECKING:
    from tinyocpp.simulator.visit import Visit


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints."""

    charger_id: str
    id_tag: str
    outcome: str
    why: str
    connector_id: int
    transaction_id: int | None = None
    started_at: datetime | None = None
    meter_start_wh: int | None = None
    meter_stop_wh: int | None = None
    energy_wh: int = 0
    acknowledged: bool = False


def result_of(visit: Visit) -> Result:
    result = Result(
        charger_id=visit.station.identity,
        id_tag=visit.id_tag,
        outcome=visit.outcome.name.lower() if visit.outcome else "",
        why=visit.why,
        connector_id=visit.connector.connector_id,
    )
    if (transaction := visit.transaction) is None:
        return result
    return msgspec.structs.replace(
        result,
        transaction_id=transaction.transaction_id,
        started_at=transaction.started_at,
        meter_start_wh=transaction.meter_start_wh,
        meter_stop_wh=transaction.meter_stop_wh,
        energy_wh=(transaction.meter_stop_wh or transaction.meter_start_wh) - transaction.meter_start_wh,
        acknowledged=transaction.acknowledged,
    )


def tell(visit: Visit, *, as_json: bool) -> int:
    """The last line, and the exit status."""
    result = result_of(visit)
    if as_json:
        print(msgspec.json.encode(result).decode())
    if visit.outcome is Outcome.REFUSED:
        raise Refused(f"{visit.why}; to let it charge: tinyocpp tag add {visit.id_tag or 'ID'}")
    if visit.outcome is Outcome.NO_ANSWER:
        raise NoAnswer(f"{visit.why}; see what the listener says")
    if not as_json:
        simulator = " --with-simulator" if fold_identity(result.charger_id) == SIMULATOR else ""
        print(
            f"{result.energy_wh / 1000:.3f} kWh, transaction {result.transaction_id}: started, stopped, acknowledged."
        )
        print(f"See it with: tinyocpp report --by transaction{simulator}")
    return 0
