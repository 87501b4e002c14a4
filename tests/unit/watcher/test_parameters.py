import pytest

from numa_sched.exceptions import NotFoundError
from numa_sched.fleet import Fleet
from numa_sched.plan import Limits, Terms
from numa_sched.watcher import parameters
from tests.fleets import make_fleet_host, make_server


@pytest.fixture
def fleet():
    return Fleet(
        (make_fleet_host('node', 4),), (make_server('web', host='node'),)
    )


def terms(fleet, **given):
    chosen = parameters.with_defaults(parameters.DRAIN, given)
    return parameters.terms(chosen, fleet)


def test_without_any_a_plan_is_held_to_what_the_command_holds_it_to(fleet):
    assert terms(fleet) == Terms(paused=False)


def test_each_is_heeded(fleet):
    assert terms(
        fleet,
        pin=['web'],
        cold=True,
        spare=True,
        per_host=2,
        at_once=3,
        seconds=4,
    ) == Terms(
        Limits(2, 3),
        cold=True,
        paused=False,
        pinned=frozenset({'uuid-of-web'}),
        spare=True,
        seconds=4,
    )


def test_who_is_to_stay_has_to_be_there(fleet):
    with pytest.raises(NotFoundError, match='nobody'):
        terms(fleet, pin=['nobody'])


@pytest.mark.parametrize('schema', [parameters.DRAIN, parameters.MAKE_ROOM])
def test_each_parameter_says_what_it_is(schema):
    assert all(
        each['description'] and each['type']
        for each in schema['properties'].values()
    )
