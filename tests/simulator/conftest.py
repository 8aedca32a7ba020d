import pytest

from simulator.bench import Bench
from tinyocpp.simulator import person
from tinyocpp.simulator.car import Car


@pytest.fixture
def bench():
    """A charge point that has booted and said all its statuses."""
    bench = Bench().connect()
    bench.take()
    return bench


@pytest.fixture
def charging(bench):
    """The same with a transaction running; a big car."""
    person.plug_in(bench.station, bench.connector(), Car(50_000), bench.now)
    person.present_tag(bench.station, bench.connector(), "04A2B3C4", bench.now)
    bench.pump()
    bench.take()
    return bench
