import pytest

from numa_sched.answers import of_flavor, of_server
from numa_sched.fleet import Aggregate, Asked, Fleet
from numa_sched.plan.isolation import Isolation
from tests.fleets import make_flavor, make_fleet_host, make_server

HOST = make_fleet_host('host', 4)


def admits(metadata, request=None):
    aggregate = Aggregate('uuid', 'agg', frozenset({'host'}), metadata)
    fleet = Fleet((HOST,), aggregates=(aggregate,))
    return Isolation(fleet).admits(request or of_server(make_server()), HOST)


@pytest.mark.parametrize(
    'metadata',
    [
        {'ssd': 'true'},
        {'trait:CUSTOM_A': 'forbidden'},
        {'filter_tenant_id': 'other, project'},
        {'filter_tenant_id': 'other', 'filter_tenant_id2': 'project'},
    ],
)
def test_an_aggregate_lets_in_whom_it_is_meant_for(metadata):
    assert admits(metadata)


@pytest.mark.parametrize(
    'metadata',
    [{'trait:CUSTOM_A': 'required'}, {'filter_tenant_id': 'other'}],
)
def test_an_aggregate_keeps_others_out(metadata):
    assert not admits(metadata)


def test_a_server_that_asks_for_the_trait_is_let_in():
    flavor = make_flavor('f', 1, asked=Asked({}, frozenset({'CUSTOM_A'})))
    request = of_server(make_server(flavor=flavor))
    assert admits({'trait:CUSTOM_A': 'required'}, request)


def test_a_new_server_is_nobody_s():
    request = of_flavor(make_flavor('f', 1))
    assert not admits({'filter_tenant_id': 'project'}, request)


def test_other_hosts_are_not_concerned():
    aggregate = Aggregate('u', 'a', frozenset({'x'}), {'trait:A': 'required'})
    isolation = Isolation(Fleet((HOST,), aggregates=(aggregate,)))
    assert isolation.admits(of_server(make_server()), HOST)
    assert not isolation.asks_for_projects
