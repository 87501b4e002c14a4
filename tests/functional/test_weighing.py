"""The weights that operators are told are those that Nova sorts hosts by."""

import pytest
from nova.scheduler import weights
from nova.scheduler.host_manager import HostState

from numa_sched.answers import explain, find_server, of_server, rank
from numa_sched.exceptions import SourceError
from numa_sched.fleet import Weighed, snapshot
from numa_sched.nova import fleet as live
from numa_sched.nova import weighing
from numa_sched.score.pack import Pack
from tests.cloud import machines


class Own(weights.BaseHostWeigher):
    """A weigher that somebody else has written."""

    minval, maxval = -1, 1
    raw = 0.5
    multiplier = 3

    def weight_multiplier(self, host_state):
        if isinstance(self.multiplier, Exception):
            raise self.multiplier
        return self.multiplier

    def _weigh_object(self, host_state, request):
        if isinstance(self.raw, Exception):
            raise self.raw
        return self.raw


class OfAll(Own):
    """One that compares hosts."""

    def weigh_objects(self, weighed_hosts, request):
        return [1.0] * len(weighed_hosts)


class OfRequest(Own):
    """One that looks at what is asked for."""

    def _weigh_object(self, host_state, request):
        return request.vcpus


class IfAsked(Own):
    """One that looks whether something is asked for."""

    def _weigh_object(self, host_state, request):
        return 1.0 if 'instance_group' in request else 0.0


@pytest.fixture
def weighed(option):
    """Give what a weigher of here makes of a host."""

    def weighed(kind=Own, **fields):
        for name, value in fields.items():
            setattr(kind, name, value)
        option(
            'weight_classes',
            [f'{__name__}.{kind.__name__}'],
            group='filter_scheduler',
        )
        weighers = weighing.Weighers()
        return weighers.of(HostState('host', 'node', None))

    yield weighed
    Own.raw, Own.multiplier = 0.5, 3


def test_a_weigher_tells_its_number_and_multiplier(weighed):
    assert weighed() == {'Own': Weighed(0.5, 3.0)}


def test_a_number_is_cut_at_the_ends_of_the_weigher(weighed):
    assert weighed(raw=7.0)['Own'].raw == 1.0


@pytest.mark.parametrize('kind', [OfRequest, IfAsked, OfAll])
def test_what_depends_on_more_than_the_host_is_not_known(weighed, kind):
    assert weighed(kind)[kind.__name__] == Weighed(None, 3.0)


@pytest.mark.parametrize('raw', [ValueError(), float('nan')])
def test_a_weigher_that_gives_no_number_is_not_known(weighed, raw):
    assert weighed(raw=raw)['Own'].raw is None


@pytest.mark.parametrize('multiplier', [ValueError(), float('inf'), None])
def test_a_weigher_without_a_multiplier_is_not_told(weighed, multiplier):
    assert weighed(multiplier=multiplier) == {}


def test_a_class_that_is_not_there_is_told(option):
    option('weight_classes', ['no.such.Weigher'], group='filter_scheduler')
    with pytest.raises(SourceError, match='weight_classes cannot be loaded'):
        weighing.Weighers()


def test_a_cloud_is_read_without_weighers_that_cannot_be_loaded(cloud, option):
    option('weight_classes', ['no.such.Weigher'], group='filter_scheduler')
    warnings = []
    fleet = live.read(live.Listener(warn=warnings.append))
    assert fleet.ranking.weighers is None
    assert [each.weighed for each in fleet.hosts] == [{}] * 3
    assert len(warnings) == 1


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    for name, cores, memory_mb in (
        ('small', 4, 4096),
        ('large', 8, 16384),
        ('medium', 6, 8192),
    ):
        machine = machines.symmetric(2, cores, memory_mb=memory_mb)
        cloud.add_host(name, machine)


@pytest.fixture
def boot(cloud):
    """Boot pinned servers on named hosts, in a group if one is given."""
    flavor = cloud.add_flavor(vcpus=3, hw__cpu_policy='dedicated')

    def boot(*hosts, group=None):
        servers = []
        for host in hosts:
            body = cloud._build_server(
                image_uuid=cloud.add_image(),
                flavor_id=flavor,
                networks='none',
                host=host,
            )
            hints = {'os:scheduler_hints': {'group': group}} if group else {}
            servers.append(
                cloud.wait_for(
                    cloud.api.post_server({'server': body, **hints}), 'ACTIVE'
                )
            )
        return servers

    return boot


def check_order(cloud, server):
    """Have a server moved, and see whether the weights were those told."""
    cloud._run_periodics()
    fleet = live.read()
    assert snapshot.loads(snapshot.dumps(fleet)) == fleet
    request = of_server(find_server(fleet, server['id']))
    explanation = explain(fleet, request)
    places = rank(fleet, explanation, Pack())
    cloud.live_migrate(server)
    assert cloud.rankings[-1] == [
        (each.host.name, each.total) for each in places
    ]
    assert len(places) == 2
    return places


def test_hosts_have_the_weights_by_which_a_server_is_moved(cloud, boot):
    (server,) = boot('small')
    first, second = check_order(cloud, server)
    assert first.total > second.total > 0


@pytest.mark.parametrize('policy', ['soft-affinity', 'soft-anti-affinity'])
def test_the_members_of_a_soft_group_count_as_nova_counts_them(
    cloud, boot, policy
):
    group = cloud.api.post_server_groups({'name': 'g', 'policy': policy})
    server, *_ = boot('small', 'large', 'large', 'medium', group=group['id'])
    places = check_order(cloud, server)
    told = {
        (place.host.name, part.raw)
        for place in places
        for part in place.weighers
        if 'ServerGroup' in part.weigher and part.raw
    }
    sign = 1 if policy == 'soft-affinity' else -1
    assert told == {('large', 2.0 * sign), ('medium', 1.0 * sign)}


def test_nova_knows_the_weighers_that_are_worked_out_without_it():
    names = {each.__name__ for each in weights.all_weighers()}
    assert {
        'ServerGroupSoftAffinityWeigher',
        'ServerGroupSoftAntiAffinityWeigher',
        'CrossCellWeigher',
    } <= names
