import pytest

from numa_sched.answers import Move
from numa_sched.plan.moving import cost, how
from numa_sched.plan.values import Terms
from numa_sched.policy import LiveMigrationPolicy
from numa_sched.topology import DeviceRequest
from tests.builders import A_DEVICE, kind, make_guest
from tests.fleets import make_flavor, make_server

PORT = (DeviceRequest(kinds=(kind(physical_network='one'),)),)
ABLE = (DeviceRequest(kinds=(kind(live_migratable='true'),)),)


def server(**fields):
    devices = fields.pop('devices', ())
    return make_server(
        flavor=make_flavor(guest=make_guest(1, devices=devices)), **fields
    )


@pytest.mark.parametrize('state', ['active', 'paused', None])
def test_a_server_that_runs_is_live_migrated(state):
    assert how(server(vm_state=state), Terms()) is Move.LIVE


@pytest.mark.parametrize(
    ('fields', 'why'),
    [
        ({'task_state': 'migrating'}, 'it is busy: migrating'),
        ({'locked': True}, 'it is locked'),
        ({'vm_state': 'error'}, 'it is in the state error'),
        ({'error': 'odd'}, 'what it asks for makes no sense: odd'),
        (
            {'vm_state': 'stopped'},
            'it is in the state stopped, and cold migration is not allowed '
            '(--cold)',
        ),
        (
            {'devices': A_DEVICE},
            'it has PCI devices that cannot be live-migrated, and cold '
            'migration is not allowed (--cold)',
        ),
    ],
)
def test_others_stay(fields, why):
    assert how(server(**fields), Terms()) == why


@pytest.mark.parametrize(
    'fields', [{'vm_state': 'stopped'}, {'devices': A_DEVICE}]
)
def test_cold_migration_moves_them_where_it_is_allowed(fields):
    assert how(server(**fields), Terms(cold=True)) is Move.COLD


def test_cold_migration_does_not_help_a_server_in_error():
    told = how(server(vm_state='error'), Terms(cold=True))
    assert told == 'it is in the state error'


@pytest.mark.parametrize('devices', [PORT, ABLE, PORT + ABLE])
def test_devices_that_can_be_live_migrated_are(devices):
    assert how(server(devices=devices), Terms()) is Move.LIVE


def test_a_server_that_is_paused_stays_where_nobody_would_move_it():
    terms = Terms(paused=False, cold=True)
    assert how(server(vm_state='paused'), terms) == 'it is paused'
    assert how(server(vm_state='active'), terms) is Move.LIVE


def test_a_server_that_is_to_stay_does():
    pinned = Terms(pinned=frozenset({'uuid-of-server'}))
    assert how(server(), pinned) == 'it is to stay (--pin)'


def price(post_copy=None, memory_mb=1, move=Move.LIVE, **terms):
    flavor = make_flavor(guest=make_guest(1))
    flavor = type(flavor)('f', 1, memory_mb)
    policy = LiveMigrationPolicy(post_copy=post_copy)
    return cost(make_server(flavor=flavor), move, policy, Terms(**terms))


def test_less_memory_is_cheaper():
    assert price(memory_mb=1) < price(memory_mb=2, post_copy=True)


def test_of_as_much_memory_the_server_with_a_wish_is_cheaper():
    assert price(post_copy=True) < price()


def test_wishes_can_count_more_than_memory():
    wish = price(post_copy=True, memory_mb=2, spare=True)
    assert wish < price(memory_mb=1, spare=True)


def test_a_cold_migration_is_dearer_than_any_live_one():
    assert price(memory_mb=9) < price(move=Move.COLD)


def test_one_migration_more_is_dearer_than_all_else():
    twice = price(post_copy=True).plus(price(post_copy=True))
    assert price(memory_mb=9, move=Move.COLD) < twice
