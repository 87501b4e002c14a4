"""The mix of this process, as the configuration has it."""

import time

import pytest

from numa_sched.exceptions import ConfigError
from numa_sched.history.mix import REFRESH_S, START, pinned
from numa_sched.nova.scheduler import demand
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from tests.builders import make_guest, make_guest_cell
from tests.functional.scheduler.requests import make_request


@pytest.fixture(autouse=True)
def _mix_of_its_own():
    demand.of_this_process.cache_clear()
    yield
    demand.of_this_process.cache_clear()


def seen(learned, guest, times):
    """Give the mix a while after so many requests for a guest."""
    for number in range(times):
        learned.saw(guest, str(number))
    learned._clock = lambda: time.time() + 2 * REFRESH_S
    return dict(learned.mix())


def test_without_options_it_begins_with_guests_of_many_sizes(option):
    mix = dict(demand.of_this_process().mix())
    assert mix == pytest.approx(dict(START))


def test_it_begins_with_what_the_options_say(option):
    option('fit_mix', ['cpus:4,cells:2,memory_mb:2048', 'cpus:8,share:3'])
    cell = make_guest_cell(2, memory_mb=1024)
    assert dict(demand.of_this_process().mix()) == {
        make_guest(cell, cell): 0.25,
        pinned(8): 0.75,
    }


def test_there_is_one_for_all_of_a_process(option):
    assert demand.of_this_process() is demand.of_this_process()


def test_it_learns(option):
    assert seen(demand.of_this_process(), pinned(6), 100)[pinned(6)] > 0.8


def test_it_learns_nothing_with_a_half_life_of_0(option):
    option('fit_mix_half_life', 0.0)
    assert pinned(6) not in seen(demand.of_this_process(), pinned(6), 100)


@pytest.mark.parametrize(
    ('item', 'shown'),
    [
        ('cells:2', "{'cells': '2'}"),
        ('cpus:4,ram:8', "{'cpus': '4', 'ram': '8'}"),
        ('cpus:x', "{'cpus': 'x'}"),
    ],
)
def test_an_item_that_makes_no_sense_is_an_error_that_shows_it(
    option, item, shown
):
    option('fit_mix', [item])
    with pytest.raises(ConfigError, match='fit_mix') as raised:
        demand.of_this_process()
    assert shown in str(raised.value)


def test_one_project_is_at_most_half_of_what_the_filter_learns(option):
    learned = demand.of_this_process()
    for _ in range(100):
        request = make_request({'hw:cpu_policy': 'dedicated'}, vcpus=6)
        request.project_id = 'crafty'
        list(NUMAFitFilter(learned).filter_all([], request))
    learned._clock = lambda: time.time() + 2 * REFRESH_S
    six = make_guest(make_guest_cell(6, memory_mb=512))
    assert dict(learned.mix())[six] == pytest.approx(0.5, abs=0.01)
