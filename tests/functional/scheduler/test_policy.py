"""Wishes about live migration, from flavor and image to the host."""

import itertools
import threading
from unittest import mock

import os_traits
import pytest
from nova import context as nova_context
from nova import objects
from nova.scheduler import request_filter
from nova.volume import cinder

from numa_sched.nova.api.checks import Checks
from numa_sched.nova.scheduler import request_filters
from numa_sched.policy import WISHES
from tests import amount
from tests.cloud import machines
from tests.functional.api.requests import old_flavor

AC, PC = WISHES
TRAITS = {
    'converging': os_traits.COMPUTE_MIGRATE_AUTO_CONVERGE,
    'copying': os_traits.COMPUTE_MIGRATE_POST_COPY,
}


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    """Two hosts that can nothing, then one and two with one trait each.

    The first two are smaller, so that packing would prefer them.
    """
    for name in ('plain1', 'plain2'):
        cloud.add_host(name, machines.symmetric(1, 4))
    for name in ('converging', 'converging2', 'copying'):
        cloud.add_host(
            name,
            machines.symmetric(1, 16),
            traits=[TRAITS[name.rstrip('2')]],
        )


def flavor(cloud, **extra_specs):
    """Give a flavor of one pinned CPU; ours are asked for the wishes only."""
    return cloud.add_flavor(hw__cpu_policy='dedicated', **extra_specs)


def root_required(query):
    return set(query.get('root_required', [''])[0].split(','))


def asked_for(cloud):
    """Give which of our traits each query to placement asked for."""
    return [
        root_required(query) & {wish.trait for wish in WISHES}
        for query in cloud.placement_queries
    ]


@pytest.mark.parametrize(
    ('wish', 'hosts'),
    [(AC, {'converging', 'converging2'}), (PC, {'copying'})],
    ids=['auto-converge', 'post-copy'],
)
@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_a_wish_puts_a_server_on_a_capable_host_only(
    cloud, wish, hosts, source
):
    if source == 'flavor':
        specs = {wish.flavor_key.replace(':', '__'): 'True'}
        server = cloud.boot(flavor(cloud, **specs))
    else:
        image = cloud.add_image(**{wish.image_key: 'yes'})
        server = cloud.boot(flavor(cloud), image=image)
    assert cloud.host_of(server) in hosts
    assert set(map(frozenset, asked_for(cloud))) == {frozenset([wish.trait])}


@pytest.mark.parametrize('value', ['false', None], ids=['false', 'unset'])
def test_false_and_unset_ask_placement_for_nothing(cloud, value):
    wishes = {} if value is None else {AC: value, PC: value}
    server = cloud.boot(
        flavor(
            cloud,
            **{
                wish.flavor_key.replace(':', '__'): each
                for wish, each in wishes.items()
            },
        ),
        image=cloud.add_image(
            **{wish.image_key: each for wish, each in wishes.items()}
        ),
    )
    assert cloud.host_of(server) in ('plain1', 'plain2')
    assert cloud.placement_queries
    for query in cloud.placement_queries:
        assert not {wish.trait for wish in WISHES} & {
            trait.lstrip('!') for trait in root_required(query)
        }
        assert not any('COMPUTE_MIGRATE' in str(v) for v in query.values())


@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_live_migration_goes_to_a_capable_host_only(cloud, source):
    if source == 'flavor':
        server = cloud.boot(
            flavor(cloud, compute__live_migration_auto_converge='true')
        )
    else:
        image = cloud.add_image(compute_live_migration_auto_converge='true')
        server = cloud.boot(flavor(cloud), image=image)
    source = cloud.host_of(server)
    cloud.placement_queries.clear()
    assert {source, cloud.live_migrate(server)} == {
        'converging',
        'converging2',
    }
    assert asked_for(cloud)
    assert all(each == {AC.trait} for each in asked_for(cloud))


def test_live_migration_stays_if_no_other_host_is_capable(cloud):
    server = cloud.boot(
        flavor(cloud, compute__live_migration_post_copy='true')
    )
    assert cloud.live_migrate(server) == 'copying'
    assert cloud.wait_for_migration(server)['status'] == 'error'


def moves(cloud):
    def unshelve(server):
        cloud.shelve(server)
        cloud.placement_queries.clear()
        return cloud.unshelve(server)

    return {
        'live migration': cloud.live_migrate,
        'cold migration': cloud.cold_migrate,
        'resize': lambda server: cloud.resize(
            server,
            flavor(cloud, compute__live_migration_auto_converge='true'),
        ),
        'evacuation': cloud.evacuate,
        'unshelve': unshelve,
    }


MOVES = 'live migration', 'cold migration', 'resize', 'evacuation', 'unshelve'


@pytest.mark.parametrize(
    ('source', 'kind'),
    amount.each(
        itertools.product(['flavor', 'image'], MOVES),
        [('image', MOVES[0]), *(('flavor', kind) for kind in MOVES[1:])],
    ),
)
def test_every_move_asks_for_the_trait(cloud, source, kind):
    if source == 'flavor':
        server = cloud.boot(
            flavor(cloud, compute__live_migration_auto_converge='true')
        )
    else:
        image = cloud.add_image(compute_live_migration_auto_converge='true')
        server = cloud.boot(flavor(cloud), image=image)
    cloud.placement_queries.clear()
    assert moves(cloud)[kind](server).startswith('converging')
    assert asked_for(cloud)
    assert all(each == {AC.trait} for each in asked_for(cloud))


def test_an_image_counts_too_if_the_server_boots_from_a_volume(cloud):
    volume = cloud.cinder.IMAGE_BACKED_VOL
    get = cinder.API.get

    def with_wish(*args, **kwargs):
        found = get(*args, **kwargs)
        found['volume_image_metadata'] = {PC.image_key: 'true'}
        return found

    with mock.patch.object(cinder.API, 'get', staticmethod(with_wish)):
        server = cloud.boot(
            flavor(cloud),
            image='',
            block_device_mapping_v2=[
                {
                    'boot_index': 0,
                    'uuid': volume,
                    'source_type': 'volume',
                    'destination_type': 'volume',
                }
            ],
        )
    assert cloud.host_of(server) == 'copying'


@pytest.fixture
def let_in(monkeypatch):
    """Have the API let everything in, to see what the scheduler does."""
    monkeypatch.setattr(Checks, 'hold', lambda *args: None)


@pytest.mark.parametrize(
    ('specs', 'properties', 'part'),
    [
        (
            {
                'compute:live_migration_auto_converge': 'true',
                'compute:live_migration_post_copy': 'true',
            },
            {},
            'at most one of them',
        ),
        (
            {'compute:live_migration_auto_converge': 'true'},
            {'compute_live_migration_auto_converge': 'false'},
            'make them agree',
        ),
        (
            {},
            {'compute_live_migration_post_copy': 'maybe'},
            "image key compute_live_migration_post_copy has the value 'maybe'",
        ),
        (
            {PC.image_key: 'true'},
            {},
            f'did you mean {PC.flavor_key}?',
        ),
        (
            {},
            {PC.flavor_key: 'true'},
            f'did you mean {PC.image_key}?',
        ),
        (
            {f'trait:{PC.trait}': 'forbidden'},
            {PC.image_key: 'true'},
            'remove one of them',
        ),
    ],
    ids=[
        'both features',
        'sources disagree',
        'not a boolean',
        'lost in the flavor',
        'lost in the image',
        'forbidden trait',
    ],
)
def test_a_new_server_with_impossible_wishes_is_refused_with_the_reason(
    cloud, let_in, specs, properties, part
):
    server = cloud.boot(
        old_flavor(cloud, {'hw:cpu_policy': 'dedicated', **specs}),
        image=cloud.add_image(**properties),
        state='ERROR',
    )
    assert part in server['fault']['message']
    assert cloud.placement_queries == []


def told(cloud):
    """Give the lines at INFO about requests with wishes."""
    return [
        record.getMessage()
        for record in cloud.log
        if record.levelname == 'INFO'
        and record.name == 'numa_sched.nova.scheduler.request_filters'
    ]


def test_a_wish_that_no_host_can_meet_is_told_once_for_its_request(cloud):
    """Nova tells of insufficient resources, and not of the trait."""
    cloud.set_traits('copying', remove=[PC.trait])
    try:
        server = cloud.boot(
            flavor(cloud, compute__live_migration_post_copy='True'),
            image=cloud.add_image(compute_live_migration_post_copy='yes'),
            state='ERROR',
        )
    finally:
        cloud.set_traits('copying', add=[PC.trait])
    assert told(cloud) == [
        f'Server {server["id"]} requires a host with the trait {PC.trait} '
        f"(flavor key {PC.flavor_key} has the value 'True' and image key "
        f"{PC.image_key} has the value 'yes')"
    ]


def test_servers_without_a_wish_are_not_told_of(cloud):
    server = cloud.boot(
        flavor(cloud, compute__live_migration_post_copy='false')
    )
    cloud.live_migrate(server)
    assert told(cloud) == []


def test_a_refusal_is_told(cloud, let_in):
    image = cloud.add_image(compute_live_migration_post_copy='maybe')
    server = cloud.boot(flavor(cloud), image=image, state='ERROR')
    (line,) = told(cloud)
    assert line.startswith(f'Server {server["id"]} is refused: image key')


def test_a_server_with_old_impossible_wishes_still_moves(cloud):
    server = cloud.boot(
        flavor(cloud, compute__live_migration_auto_converge='true')
    )
    instance = objects.Instance.get_by_uuid(
        nova_context.get_admin_context(),
        server['id'],
        expected_attrs=['system_metadata'],
    )
    instance.system_metadata[f'image_{AC.image_key}'] = 'false'
    instance.save()
    source = cloud.host_of(server)
    cloud.placement_queries.clear()
    assert cloud.live_migrate(server) != source
    assert asked_for(cloud) == [set()] * len(cloud.placement_queries)
    warnings = [r for r in cloud.log if r.levelname == 'WARNING']
    assert warnings
    assert all('make them agree' in r.getMessage() for r in warnings)
    assert all(server['id'] in r.getMessage() for r in warnings)


@pytest.mark.parametrize(
    ('properties', 'part'),
    [
        ({PC.flavor_key: 'true'}, f'did you mean {PC.image_key}?'),
        ({f'trait:{AC.trait}': 'forbidden'}, 'remove one of them'),
    ],
    ids=['lost', 'forbidden trait'],
)
def test_a_server_with_an_old_lost_or_forbidden_wish_still_moves(
    cloud, properties, part
):
    server = cloud.boot(
        flavor(cloud, compute__live_migration_auto_converge='true')
    )
    instance = objects.Instance.get_by_uuid(
        nova_context.get_admin_context(),
        server['id'],
        expected_attrs=['system_metadata'],
    )
    for key, value in properties.items():
        instance.system_metadata[f'image_{key}'] = value
    instance.save()
    source = cloud.host_of(server)
    assert cloud.live_migrate(server) != source
    warnings = [r for r in cloud.log if r.levelname == 'WARNING']
    assert warnings
    assert all(part in r.getMessage() for r in warnings)


@pytest.fixture
def isolated(cloud):
    """Isolate the post-copy host for servers that require its trait."""
    cloud.flags(enable_isolated_aggregate_filtering=True, group='scheduler')
    aggregate = cloud.api.post_aggregate(
        {'aggregate': {'name': 'copying', 'availability_zone': None}}
    )
    cloud.api.add_host_to_aggregate(aggregate['id'], 'copying')
    cloud.api.api_post(
        f'/os-aggregates/{aggregate["id"]}/action',
        {'set_metadata': {'metadata': {f'trait:{PC.trait}': 'required'}}},
    )
    yield
    cloud.api.api_post(
        f'/os-aggregates/{aggregate["id"]}/action',
        {'remove_host': {'host': 'copying'}},
    )
    cloud.api.delete_aggregate(aggregate['id'])
    cloud.flags(enable_isolated_aggregate_filtering=False, group='scheduler')


def test_an_aggregate_isolated_by_our_trait_is_open_to_its_servers(
    cloud, isolated
):
    server = cloud.boot(
        flavor(cloud, compute__live_migration_post_copy='true')
    )
    assert cloud.host_of(server) == 'copying'


@pytest.mark.parametrize('wish', amount.each([None, AC], [AC]))
def test_an_aggregate_isolated_by_our_trait_is_closed_to_others(
    cloud, isolated, wish
):
    specs = {wish.flavor_key.replace(':', '__'): 'true'} if wish else {}
    for _ in range(3):
        server = cloud.boot(flavor(cloud, **specs))
        assert cloud.host_of(server) != 'copying'
    forbidden = [
        query.get('member_of', []) for query in cloud.placement_queries
    ]
    assert all(any('!' in each for each in group) for group in forbidden)


READS = (
    (objects.BuildRequest, 'get_by_instance_uuid'),
    (objects.InstanceMapping, 'get_by_instance_uuid'),
    (objects.Instance, 'get_by_uuid'),
)


@pytest.fixture
def reads(monkeypatch):
    """Count what our request filter reads from databases, per request."""
    ours = request_filters.live_migration_policy
    counted = []
    current = threading.local()

    def counting(context, request_spec):
        current.reads = 0
        try:
            return ours(context, request_spec)
        finally:
            counted.append(current.reads)
            del current.reads

    def watch(stock):
        def read(cls, *args, **kwargs):
            if hasattr(current, 'reads'):
                current.reads += 1
            return stock(*args, **kwargs)

        return classmethod(read)

    for cls, name in READS:
        monkeypatch.setattr(cls, name, watch(getattr(cls, name)))
    monkeypatch.setattr(
        request_filter,
        'ALL_REQUEST_FILTERS',
        [
            counting if each is ours else each
            for each in request_filter.ALL_REQUEST_FILTERS
        ],
    )
    return counted


@pytest.mark.parametrize('kind', amount.each(MOVES, MOVES[:1]))
def test_a_request_costs_one_database_read(cloud, reads, kind):
    server = cloud.boot(flavor(cloud))
    assert reads == [1]
    moves(cloud)[kind](server)
    assert set(reads) == {1}
    assert len(reads) > 1


def test_a_request_costs_no_database_read_if_images_have_no_say(
    cloud, let_in, reads
):
    cloud.flags(image_wishes=False, group='numa_sched')
    try:
        server = cloud.boot(
            flavor(cloud, compute__live_migration_post_copy='true'),
            image=cloud.add_image(compute_live_migration_post_copy='false'),
        )
        assert cloud.host_of(server) == 'copying'
    finally:
        cloud.flags(image_wishes=True, group='numa_sched')
    assert reads == [0]


def test_a_flavor_that_is_wrong_by_itself_costs_no_database_read(
    cloud, let_in, reads
):
    wrong = flavor(
        cloud,
        compute__live_migration_auto_converge='true',
        compute__live_migration_post_copy='true',
    )
    cloud.boot(wrong, state='ERROR')
    assert reads == [0]


def test_several_servers_at_once_are_read_once(cloud, reads):
    cloud.boot(
        flavor(cloud, compute__live_migration_auto_converge='true'),
        min_count=2,
        name='several',
    )
    servers = cloud.api.get_servers()
    for server in servers:
        cloud.wait_for(server, 'ACTIVE')
        assert cloud.host_of(server).startswith('converging')
    assert len(servers) == 2
    assert reads == [1]
    assert len(told(cloud)) == 1
