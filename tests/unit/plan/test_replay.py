import pytest

from numa_sched.fleet import Fleet, Seat
from numa_sched.plan import Limits, Terms, after, drain
from numa_sched.score.pack import Pack
from tests.builders import make_cell, mask
from tests.fleets import make_flavor, make_fleet_host, make_server


def fleet():
    """Give a host with two servers, and two others."""
    small = make_flavor('small', 2)
    servers = tuple(
        make_server(name, small, 'full', seats=(Seat(0, mask(*cpus)),))
        for name, cpus in (('web', (0, 1)), ('db', (2, 3)))
    )
    full = make_fleet_host('full', make_cell(cpus=4, pinned=range(4)))
    others = (
        make_fleet_host('odd', make_cell(7, cpus=2)),
        make_fleet_host('free', 2),
    )
    return Fleet((full, *others), servers, (small,))


def test_after_a_plan_servers_are_where_its_steps_have_put_them():
    before = fleet()
    plan = drain(before, before.hosts[:1], Pack(), Terms(Limits(per_host=2)))
    then = after(before, plan.steps)
    told = {step.server.name: step for step in plan.steps}
    assert set(told) == {'web', 'db'}
    for server in then.servers:
        assert server.host == told[server.name].destination
        assert [each.cell for each in server.seats] == list(
            told[server.name].cells
        )
    assert [
        cell.free.bit_count()
        for each in then.hosts
        for cell in each.host.cells
    ] == [4, 0, 0]


def test_before_it_nothing_has_changed():
    assert after(fleet(), ()) == fleet()


def test_a_step_that_cannot_be_done_is_an_error():
    before = fleet()
    (step, *_) = drain(before, before.hosts[:1], Pack()).steps
    with pytest.raises(ValueError, match='has no place there'):
        after(before, [step, step])
