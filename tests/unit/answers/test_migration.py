import dataclasses
import itertools

import pytest

from numa_sched.answers import migration, of_flavor, of_server
from numa_sched.destination import Node
from numa_sched.fleet import Fleet
from numa_sched.policy import TRAITS, WISHES, features
from numa_sched.policy.features import Features
from tests.fleets import make_flavor, make_fleet_host, make_server

AC, PC = WISHES
SRIOV = ('ovs', 'direct')
VHOST_USER = ('vhostuser', 'normal')
NORMAL = ('bridge', 'normal')
SAID = {'true': True, 'false': False, None: None}


def wanting(auto_converge=None, post_copy=None, **more):
    """Give extra specs with these wishes; none where it is None."""
    told = {AC.flavor_key: auto_converge, PC.flavor_key: post_copy, **more}
    return {key: value for key, value in told.items() if value is not None}


def uses(specs=None, *, traits=TRAITS, node=None, **fields):
    """Give what each driver would use for a server on a host."""
    flavor = make_flavor('f', 1, extra_specs=specs or {})
    server = make_server('s', flavor, 'host', **fields)
    host = make_fleet_host('host', 2, traits=frozenset(traits))
    if node is not None:
        host = dataclasses.replace(host, node=node)
    return migration.uses(Fleet((host,), (server,)), of_server(server))


def ours(*args, **kwargs):
    found, _ = uses(*args, **kwargs)
    assert found.driver == 'numa_sched.LibvirtDriver'
    return found


@pytest.mark.parametrize(
    ('auto_converge', 'post_copy', 'used'),
    [
        (None, None, (None, None)),
        ('true', None, (True, False)),
        ('true', 'false', (True, False)),
        (None, 'true', (None, True)),
        ('false', 'true', (False, True)),
        ('false', None, (False, None)),
        (None, 'false', (None, False)),
        ('false', 'false', (False, False)),
    ],
)
def test_what_is_wanted_is_used_and_the_rest_is_as_configured(
    auto_converge, post_copy, used
):
    found = ours(wanting(auto_converge, post_copy), ports=(NORMAL,))
    assert (found.auto_converge, found.post_copy) == used


@pytest.mark.parametrize(
    ('wants', 'paused', 'ports'),
    itertools.product(
        itertools.product((None, 'true', 'false'), repeat=2),
        (False, True),
        ((NORMAL,), (SRIOV,), (VHOST_USER,), None),
    ),
)
def test_whatever_is_certain_the_driver_does_on_every_host(
    wants, paused, ports
):
    if wants == ('true', 'true'):
        wants = (None, None)  # contradictory ones count as not set
    found = ours(
        wanting(*wants),
        ports=ports,
        vm_state='paused' if paused else 'active',
    )
    request = of_server(make_server('s', make_flavor('f', 1)))
    policy = dataclasses.replace(
        request.policy,
        auto_converge=SAID[wants[0]],
        post_copy=SAID[wants[1]],
    )
    must = ports == (SRIOV,)
    for first, second, ruled_out in itertools.product((False, True), repeat=3):
        does = features.used(
            policy,
            Features(first, second),
            paused=paused,
            ruled_out=must or ruled_out,
        )
        if found.auto_converge is not None:
            assert does.auto_converge is found.auto_converge
        if found.post_copy is not None and not ruled_out:
            assert does.post_copy is found.post_copy or ports == (VHOST_USER,)
        if found.post_copy is False:
            assert not does.post_copy


@pytest.mark.parametrize(
    ('fields', 'why'),
    [
        ({'ports': (SRIOV,)}, 'no post-copy with an SR-IOV port'),
        ({'vm_state': 'paused'}, 'no post-copy of a paused server'),
    ],
)
def test_what_rules_post_copy_out_is_told(fields, why):
    found = ours(wanting(post_copy='true'), **fields)
    assert (found.post_copy, found.because) == (
        False,
        ('post-copy is wanted', why),
    )


def test_devices_of_the_flavor_rule_post_copy_out():
    found = ours({'hw:pmem': '4GB'}, ports=())
    assert found.post_copy is False
    assert found.because == ('no post-copy with hw:pmem',)


def test_a_vhost_user_port_depends_on_an_option_of_the_host():
    found = ours(wanting(post_copy='true'), ports=(VHOST_USER,))
    assert (found.auto_converge, found.post_copy) == (None, None)
    assert migration.FOR_VHOST_USER in found.unknown


def test_nothing_is_open_of_a_server_that_wants_auto_converge():
    found = ours(wanting(auto_converge='true'), ports=(VHOST_USER,))
    assert found.unknown == ()
    assert str(found) == 'pre-copy with auto-converge, without post-copy'


def test_what_may_rule_post_copy_out_is_told_as_not_known():
    found = ours(wanting('false', 'true'), ports=(NORMAL,))
    assert found.unknown == (migration.OF_HOSTS, migration.OF_GUEST)
    unread = ours(wanting('false', 'true'), ports=None)
    assert unread.unknown == (migration.PORTS, *found.unknown)


def test_permits_of_the_host_are_not_known():
    assert migration.PERMITS in ours(ports=()).unknown


def test_whether_images_count_is_for_the_host():
    found = ours(image_properties={AC.image_key: 'true'}, ports=())
    assert found.auto_converge is True
    assert found.unknown == (migration.IMAGES,)


def test_nova_s_own_driver_does_as_configured():
    _, stock = uses(wanting(auto_converge='true'))
    assert (stock.auto_converge, stock.post_copy) == (None, None)
    assert stock.unknown == (migration.PERMITS,)
    assert str(stock) == (
        'pre-copy; auto-converge and post-copy as configured there'
    )


def test_a_host_without_the_trait_has_nova_s_own_driver():
    (stock,) = uses(wanting(auto_converge='true'), traits={PC.trait})
    assert stock.driver == migration.STOCK
    assert stock.because[0] == (
        'its host is without the trait COMPUTE_MIGRATE_AUTO_CONVERGE, which '
        'numa_sched.LibvirtDriver reports'
    )


def test_another_hypervisor_has_neither():
    (found,) = uses(node=Node('VMware'))
    assert (found.auto_converge, found.post_copy) == (False, False)
    assert found.because == ('the hypervisor of its host is VMware',)


def test_of_a_new_server_no_port_is_known():
    flavor = make_flavor('f', 1, extra_specs=wanting(post_copy='true'))
    found, stock = migration.uses(Fleet(()), of_flavor(flavor))
    assert migration.PORTS in found.unknown
    assert stock.driver == migration.STOCK


@pytest.mark.parametrize(
    ('wants', 'sentence'),
    [
        (
            (None, 'true'),
            'pre-copy, and post-copy once it is forced to complete; where '
            'that is ruled out, with auto-converge if configured there',
        ),
        (
            ('false', 'true'),
            'pre-copy without auto-converge, and post-copy once it is forced '
            'to complete, unless ruled out',
        ),
        (
            ('false', None),
            'pre-copy without auto-converge, and post-copy, once it is forced '
            'to complete, if configured there',
        ),
    ],
)
def test_it_is_told_in_a_sentence(wants, sentence):
    assert str(ours(wanting(*wants), ports=())) == sentence


def test_what_counts_is_the_hypervisor_of_its_own_host():
    server = make_server('s', make_flavor('f', 1), 'b')
    hosts = [
        make_fleet_host(
            name,
            2,
            node=Node('VMware' if name == 'b' else 'QEMU'),
            traits=frozenset(TRAITS),
        )
        for name in 'abc'
    ]
    for each in itertools.permutations(hosts):
        fleet = Fleet(each, (server,))
        (found,) = migration.uses(fleet, of_server(server))
        assert found.because == ('the hypervisor of its host is VMware',)


@pytest.mark.parametrize('vm_state', ['active', 'paused', 'stopped'])
def test_post_copy_is_ruled_out_of_a_paused_server_only(vm_state):
    found = ours(wanting(None, 'true'), ports=(NORMAL,), vm_state=vm_state)
    is_paused = vm_state == 'paused'
    assert ('no post-copy of a paused server' in found.because) is is_paused
