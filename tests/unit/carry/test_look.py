"""What is looked at before a step begins."""

import pytest

from numa_sched.carry import Fate, Service, Shape
from numa_sched.carry.look import before
from tests.unit.carry.scripted import UP, ScriptedCloud, make_task, seen

TASK = make_task()


def look(server, service=UP, task=TASK):
    cloud = ScriptedCloud()
    cloud.servers = {'web': server} if server else {}
    cloud.services = {'b': service}
    return before(task, cloud)


def test_a_server_that_is_as_planned_may_go():
    assert look(seen()) is None


def test_a_server_that_is_deleted_is_gone():
    assert look(None).fate is Fate.GONE


def test_a_server_that_is_there_already_is_done():
    assert look(seen('b')).fate is Fate.DONE


@pytest.mark.parametrize(
    ('server', 'why'),
    [
        (seen('c'), 'it is on c, not on a'),
        (seen('b', 'resized'), 'it is on b, not on a'),
        (seen('b', task_state='migrating'), 'it is on b, not on a'),
        (seen(task_state='resize_prep'), 'it is busy: resize_prep'),
        (seen(vm_state='stopped'), 'it is stopped, and was active'),
        (seen(locked=True), 'it is locked'),
        (
            seen(shape=Shape('large', 2, 1024, {})),
            'it has been resized, to flavor large',
        ),
        (
            seen(shape=Shape('small', 2, 1024, {'hw:cpu_policy': 'shared'})),
            'it has been resized, to flavor small',
        ),
        (
            seen(shape=Shape('small', 3, 1024)),
            'it has been resized, to flavor small',
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else '',
)
def test_a_server_that_is_otherwise_does_not_go(server, why):
    ended = look(server)
    assert (ended.fate, ended.why) == (Fate.CHANGED, why)


def test_extra_specs_that_the_cloud_keeps_to_itself_change_nothing():
    assert look(seen(shape=Shape('small', 2, 1024))) is None


@pytest.mark.parametrize(
    ('live', 'state', 'goes'),
    [
        (True, 'active', True),
        (True, 'paused', True),
        (True, 'stopped', False),
        (False, 'stopped', True),
        (False, 'paused', False),
    ],
)
def test_where_no_state_was_known_one_that_can_be_moved_will_do(
    live, state, goes
):
    task = make_task(live=live, vm_state=None)
    assert (look(seen(vm_state=state), task=task) is None) == goes


@pytest.mark.parametrize(
    ('service', 'why'),
    [
        (None, 'there is no nova-compute on b'),
        (Service(up=False, enabled=True), 'nova-compute of b is down'),
        (Service(up=True, enabled=False), 'nova-compute of b is disabled'),
    ],
    ids=lambda each: each if isinstance(each, str) else '',
)
def test_to_a_destination_that_does_not_do_nobody_goes(service, why):
    assert look(seen(), service).why == why
