import pytest

from numa_sched import api_request
from numa_sched.api_request import (
    Boot,
    Create,
    Rebuild,
    Rescue,
    Resize,
    WriteExtraSpecs,
)

PROJECT = '6f70656e737461636b20342065766572'
IMAGE = '155d900f-4e14-4e4c-a73d-069cbf4541e6'
VOLUME = '6ca404f3-d844-4169-bb96-bc792f37de98'
SERVER = 'c3f29b15-9e1c-4d8c-8f7a-1d1f0b8f3f10'
AC = 'compute:live_migration_auto_converge'


def asked(method, path, body):
    where = api_request.route(method, path)
    return api_request.read(where, body) if where else None


def create(**server):
    body = {'flavorRef': '1', 'imageRef': IMAGE, **server}
    return asked('POST', '/servers', {'server': body})


def boot(*devices, **server):
    found = create(imageRef='', block_device_mapping_v2=devices and [*devices])
    return found and found.boot


def act(**action):
    return asked('POST', f'/servers/{SERVER}/action', action)


@pytest.mark.parametrize(
    'path',
    [
        '/servers',
        f'/{PROJECT}/servers',
        '/os-volumes_boot',
        f'/{PROJECT}/os-volumes_boot',
    ],
)
def test_servers_are_created_with_and_without_a_project_id(path):
    where = api_request.route('POST', path)
    assert where.kind == 'create'
    assert where.project == (PROJECT if PROJECT in path else None)
    assert where.old is ('boot' in path)


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('GET', '/servers'),
        ('PUT', '/servers'),
        ('POST', '/servers/'),
        ('POST', '//servers'),
        ('POST', '/servers/detail'),
        ('POST', '/servers.json'),
        ('POST', '/not-a-project/servers'),
        ('POST', f'/servers/{SERVER}/metadata'),
        ('POST', '/servers//action'),
        ('PUT', '/flavors/1/os-extra_specs'),
        ('POST', '/flavors/1/os-extra_specs/key'),
        ('DELETE', '/flavors/1/os-extra_specs/key'),
        ('POST', '/servers\n'),
    ],
)
def test_no_other_request_is_looked_at(method, path):
    assert api_request.route(method, path) is None


@pytest.mark.parametrize(
    ('ref', 'flavor'),
    [
        ('1', '1'),
        (1, '1'),
        ('m1.small', 'm1.small'),
        ('http://nova/v2.1/flavors/7?x=y', '7'),
        ('', ''),
    ],
)
def test_a_flavor_is_named_by_its_id_or_a_url(ref, flavor):
    assert create(flavorRef=ref) == Create(flavor, Boot('image', IMAGE))


@pytest.mark.parametrize('ref', [None, True, [], {}, 'http://[', ['1']])
def test_what_cannot_name_a_flavor_is_left_to_nova(ref):
    assert create(flavorRef=ref) is None


@pytest.mark.parametrize(
    'ref',
    [
        'http://evil.example/images/' + IMAGE,
        '../' + IMAGE,
        IMAGE + '\n',
        '{' + IMAGE + '}',
        'x',
        7,
        ['x'],
        {'id': IMAGE},
    ],
)
def test_only_a_uuid_is_ever_looked_up_in_glance(ref):
    assert create(imageRef=ref) is None
    assert act(rebuild={'imageRef': ref}) is None
    assert act(rescue={'rescue_image_ref': ref}) is None


@pytest.mark.parametrize('ref', [IMAGE.upper(), IMAGE.replace('-', '')])
def test_a_uuid_may_be_written_as_nova_takes_it(ref):
    assert create(imageRef=ref).boot == Boot('image', ref)


@pytest.mark.parametrize('kind', ['image', 'volume', 'snapshot'])
@pytest.mark.parametrize('index', [0, '0', 0.0, '-0'])
def test_a_server_boots_from_the_device_with_boot_index_0(kind, index):
    root = {'source_type': kind, 'uuid': VOLUME, 'boot_index': index}
    other = {'source_type': 'image', 'uuid': IMAGE, 'boot_index': 1}
    assert boot(other, root) == Boot(kind, VOLUME)


def test_an_image_counts_before_any_device():
    root = {'source_type': 'volume', 'uuid': VOLUME, 'boot_index': 0}
    found = create(block_device_mapping_v2=[root])
    assert found.boot == Boot('image', IMAGE)


def test_a_device_may_name_its_source_by_a_field_of_its_own():
    device = {'boot_index': 0, 'source_type': 'blank', 'volume_id': VOLUME}
    assert boot(device) == Boot('volume', VOLUME)
    assert boot({**device, 'image_id': IMAGE}) == Boot('image', IMAGE)
    assert boot({**device, 'snapshot_id': IMAGE}) == Boot('snapshot', IMAGE)


def test_source_type_and_uuid_do_not_count_if_there_is_no_device():
    device = {'boot_index': 0, 'source_type': 'volume', 'uuid': VOLUME}
    assert boot(device)
    assert boot({**device, 'no_device': True}) is None


@pytest.mark.parametrize(
    'index', [None, 1, '', 'x', -1, float('inf'), float('nan'), [], {}]
)
def test_no_other_device_is_the_root(index):
    device = {'source_type': 'volume', 'uuid': VOLUME, 'boot_index': index}
    found = create(imageRef=None, block_device_mapping_v2=[device])
    assert found == Create('1', None)


def test_a_blank_root_leaves_only_the_flavor():
    device = {'source_type': 'blank', 'boot_index': 0}
    found = create(imageRef='', block_device_mapping_v2=[device])
    assert found == Create('1', None)


@pytest.mark.parametrize(
    ('name', 'is_root'),
    [
        ('vda', True),
        ('/dev/sda1', True),
        ('xvda', True),
        ('a', True),
        ('vdb', False),
        ('vdaa', False),
        ('', False),
        (None, False),
    ],
)
def test_in_the_old_form_the_first_disk_is_the_root(name, is_root):
    device = {'device_name': name, 'volume_id': VOLUME}
    found = create(imageRef='', block_device_mapping=[device])
    assert found.boot == (Boot('volume', VOLUME) if is_root else None)


def test_a_snapshot_counts_before_a_volume_in_the_old_form():
    device = {
        'device_name': 'vda',
        'volume_id': VOLUME,
        'snapshot_id': IMAGE,
    }
    found = create(imageRef='', block_device_mapping=[device])
    assert found.boot == Boot('snapshot', IMAGE)


@pytest.mark.parametrize(
    'server',
    [
        {},
        {'block_device_mapping_v2': []},
        {'block_device_mapping_v2': 'vda'},
        {'block_device_mapping_v2': ['vda']},
        {'block_device_mapping_v2': {'a': 1}},
        {
            'block_device_mapping_v2': [{'boot_index': 0}],
            'block_device_mapping': [{'device_name': 'vda'}],
        },
        {
            'block_device_mapping_v2': [
                {'boot_index': 0, 'source_type': 'volume', 'uuid': '../x'}
            ]
        },
    ],
)
def test_what_boots_from_nothing_or_nonsense_is_left_to_nova(server):
    assert create(imageRef='', **server) is None


@pytest.mark.parametrize(
    'body', [None, [], 'x', 7, {}, {'server': None}, {'server': []}]
)
@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('POST', '/servers'),
        ('POST', f'/servers/{SERVER}/action'),
        ('POST', '/flavors/1/os-extra_specs'),
        ('PUT', f'/flavors/1/os-extra_specs/{AC}'),
    ],
)
def test_other_bodies_are_left_to_nova(method, path, body):
    assert asked(method, path, body) is None


def test_actions_that_bring_in_an_image_or_a_flavor():
    assert act(rebuild={'imageRef': IMAGE}) == Rebuild(SERVER, IMAGE)
    assert act(rescue={'rescue_image_ref': IMAGE}) == Rescue(SERVER, IMAGE)
    assert act(resize={'flavorRef': 2}) == Resize(SERVER, '2')


@pytest.mark.parametrize(
    'action',
    [
        {'unshelve': {'availability_zone': 'nova'}},
        {'unshelve': None},
        {'rescue': None},
        {'rescue': {'adminPass': 'x'}},
        {'migrate': None},
        {'resize': {'flavorRef': None}},
        {'resize': {'flavorRef': '2'}, 'rebuild': {'imageRef': IMAGE}},
        {'createImage': {'name': 'x', 'imageRef': IMAGE}},
    ],
)
def test_actions_that_bring_in_neither_are_left_to_nova(action):
    assert act(**action) is None


def test_an_action_on_what_is_no_uuid_is_left_to_nova():
    body = {'resize': {'flavorRef': '2'}}
    assert asked('POST', '/servers/x/action', body) is None


def test_extra_specs_are_written_several_or_one():
    specs = {AC: 'true', 'hw:cpu_policy': 'dedicated'}
    path = '/flavors/m1.big/os-extra_specs'
    assert asked('POST', path, {'extra_specs': specs}) == WriteExtraSpecs(
        'm1.big', specs
    )
    assert asked('PUT', f'{path}/{AC}', {AC: 'true'}) == WriteExtraSpecs(
        'm1.big', {AC: 'true'}
    )


@pytest.mark.parametrize(
    'specs',
    [
        {},
        {'hw:cpu_policy': 'dedicated'},
        {'compute:other': 'x'},
        {AC: None},
        {AC: True},
        {AC: ['true']},
        {AC: 'true', 'x': {}},
        'x',
    ],
)
def test_other_extra_specs_are_left_to_nova(specs):
    path = '/flavors/1/os-extra_specs'
    assert asked('POST', path, {'extra_specs': specs}) is None


def test_an_extra_spec_must_be_the_one_in_the_path():
    path = f'/flavors/1/os-extra_specs/{AC}'
    assert asked('PUT', path, {f'{AC}x': 'true'}) is None
    assert asked('PUT', path, {AC: 'true', 'x': 'y'}) is None
