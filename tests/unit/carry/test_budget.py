"""How much may begin, by a clock of the test's."""

import datetime

import pytest

from numa_sched.carry import Budget, LastHour, Quiet
from tests.unit.carry.scripted import make_task

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
TASK = make_task(memory_mb=1024)


class Hands:
    """A clock that is set."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now

    def on(self, **much):
        self.now += datetime.timedelta(**much)


@pytest.fixture
def clock():
    return Hands()


def spent(clock, budget, *tasks):
    hour = LastHour(budget, clock)
    for task in tasks:
        hour.spend(task)
    return hour


def test_without_limits_all_may_begin(clock):
    hour = spent(clock, Budget(), *[TASK] * 99)
    assert hour.why_not(TASK) is None


def test_migrations_of_an_hour_are_limited(clock):
    hour = spent(clock, Budget(migrations=2), TASK)
    assert hour.why_not(TASK) is None
    hour.spend(TASK)
    assert hour.why_not(TASK) == (
        'no more migrations may begin in this hour: 2 of 2'
    )


def test_an_hour_later_there_is_room_again(clock):
    hour = spent(clock, Budget(migrations=1), TASK)
    clock.on(minutes=59, seconds=59)
    assert hour.why_not(TASK)
    clock.on(seconds=1)
    assert hour.why_not(TASK) is None


def test_what_began_before_counts(clock):
    hour = LastHour(Budget(migrations=1), clock)
    hour.count(NOON.timestamp() - 3599, TASK)
    assert hour.why_not(TASK)
    clock.on(seconds=1)
    assert hour.why_not(TASK) is None


@pytest.mark.parametrize(
    ('source', 'destination', 'goes'),
    [
        ('a', 'c', False),
        ('b', 'c', False),
        ('c', 'a', False),
        ('c', 'b', False),
        ('c', 'd', True),
    ],
)
def test_a_host_gives_and_takes_so_many(clock, source, destination, goes):
    hour = spent(clock, Budget(per_host=1), make_task())
    task = make_task(source=source, destination=destination)
    assert (hour.why_not(task) is None) == goes


def test_the_host_that_has_had_its_share_is_told(clock):
    hour = spent(clock, Budget(per_host=1), make_task())
    assert hour.why_not(make_task(source='b', destination='c')) == (
        'no more migrations may begin in this hour, from or to b: 1 of 1'
    )


def test_memory_of_an_hour_is_limited(clock):
    hour = spent(clock, Budget(memory_mb=2048), TASK)
    assert hour.why_not(TASK) is None
    larger = make_task(memory_mb=1025)
    assert hour.why_not(larger) == (
        'web has 1025 MiB, and of 2048 MiB an hour 1024 are used'
    )


@pytest.mark.parametrize(
    ('begin', 'end', 'at', 'quiet'),
    [
        ((8, 0), (18, 0), (7, 59), False),
        ((8, 0), (18, 0), (8, 0), True),
        ((8, 0), (18, 0), (17, 59), True),
        ((8, 0), (18, 0), (18, 0), False),
        ((22, 0), (6, 0), (23, 0), True),
        ((22, 0), (6, 0), (5, 59), True),
        ((22, 0), (6, 0), (6, 0), False),
        ((0, 0), (0, 0), (12, 0), True),
    ],
)
def test_at_quiet_hours_nothing_begins(clock, begin, end, at, quiet):
    times = [datetime.time(*each) for each in (begin, end)]
    hour = LastHour(Budget(quiet=(Quiet(*times),)), clock)
    clock.now = NOON.replace(hour=at[0], minute=at[1])
    assert (hour.why_not(TASK) is not None) == quiet


def test_quiet_hours_are_told(clock):
    times = datetime.time(8), datetime.time(18, 30)
    hour = LastHour(Budget(quiet=(Quiet(*times),)), clock)
    assert hour.why_not(TASK) == 'nothing is moved at 08:00-18:30'


def test_who_is_turned_down_is_avoided_for_an_hour(clock):
    hour = LastHour(Budget(), clock)
    hour.turn_down([('web', 'b')])
    clock.on(minutes=30)
    hour.turn_down([('db', 'c')])
    assert hour.avoid == {('web', 'b'), ('db', 'c')}
    clock.on(minutes=30)
    assert hour.avoid == {('db', 'c')}
