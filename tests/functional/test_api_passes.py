"""What the filter has nothing to say about, Nova answers as without it."""

import io
import json
import os
import subprocess
import sys
import threading
import time
import uuid

import pytest
import webob
from nova import context, exception, objects
from nova.api.openstack.compute.routes import ROUTE_LIST, APIRouterV21
from nova.image import glance
from nova.volume import cinder
from oslo_db import exception as db_exception

from numa_sched import api_request
from numa_sched.nova import api, deadline, lookup
from tests.cloud import LOOKUP_SECONDS
from tests.cloud.api import OTHER_PROJECT, PROJECT
from tests.functional.api_requests import (
    answer,
    flavor_specs,
    image_properties,
    is_refused,
    nothing_built,
    old_flavor,
    root_device,
    server,
)

BOTH = ('true', 'true')
UNKNOWN = str(uuid.UUID(int=7))
SLOW_SECONDS = 120


@pytest.fixture(scope='module')
def bad(cloud):
    """A flavor that asks for both features."""
    return old_flavor(cloud, flavor_specs(*BOTH))


@pytest.fixture(scope='module')
def image(cloud):
    return cloud.add_image()


@pytest.fixture(autouse=True)
def handed_over():
    with nothing_built() as calls:
        yield calls


def warnings(cloud):
    return [
        record.getMessage()
        for record in cloud.log
        if record.levelname == 'WARNING'
    ]


@pytest.fixture
def same(cloud, door, nova):
    """Compare the answers to one request, with the filter and without."""

    def compare(method, path, body=None, **kwargs):
        ours = door.request(method, path, body, **kwargs)
        assert not is_refused(ours)
        assert answer(ours) == answer(
            nova.request(method, path, body, **kwargs)
        )
        assert warnings(cloud) == []
        return ours

    return compare


# Things that are not there.


def test_an_unknown_flavor_is_novas_to_answer(cloud, same, image):
    wrong = cloud.add_image(**image_properties(*BOTH))
    for each in (image, wrong):
        response = same('POST', '/servers', server('no-such', each))
        assert 'no-such could not be found' in response.text


def test_an_unknown_image_is_novas_to_answer(same, bad):
    response = same('POST', '/servers', server(bad, UNKNOWN))
    assert 'Can not find requested image' in response.text


@pytest.mark.parametrize('kind', ['volume', 'snapshot', 'image'])
def test_an_unknown_source_of_a_volume_is_novas_to_answer(
    monkeypatch, same, bad, kind
):
    def missing(self, context, id, *args, **kwargs):
        raise exception.VolumeNotFound(volume_id=id)

    monkeypatch.setattr(cinder.API, 'get', missing)
    monkeypatch.setattr(cinder.API, 'get_snapshot', missing)
    device = root_device(kind, UNKNOWN)
    body = server(bad, block_device_mapping_v2=[device])
    assert same('POST', '/servers', body).status_int == 400


@pytest.mark.parametrize('action', ['rebuild', 'resize', 'rescue'])
def test_an_unknown_server_is_novas_to_answer(same, bad, image, action):
    body = {
        'rebuild': {'imageRef': image},
        'resize': {'flavorRef': bad},
        'rescue': {'rescue_image_ref': image},
    }[action]
    path = f'/servers/{UNKNOWN}/action'
    assert same('POST', path, {action: body}).status_int == 404


def test_extra_specs_of_an_unknown_flavor_are_novas_to_answer(same):
    path = '/flavors/no-such/os-extra_specs'
    specs = flavor_specs(*BOTH)
    assert same('POST', path, {'extra_specs': specs}).status_int == 404


# Requests that are none.


def bodies(bad, image):
    good = json.dumps(server(bad, image)).encode()
    return {
        'empty': b'',
        'not JSON': good[:-1],
        'not UTF-8': good.replace(b'"server"', b'"\xff\xfe"'),
        'a byte order mark': b'\xef\xbb\xbf' + good,
        'UTF-16': good.decode().encode('utf-16'),
        'deeply nested': b'{"server":' * 50000,
        'a deep list': b'[' * 100000,
        'a list': b'[' + good + b']',
        'null': b'null',
        'a number': b'7',
        'infinity': good.replace(b'"server"', b'"x": Infinity, "server"'),
        'a huge number': b'{"server": ' + b'9' * 5000 + b'}',
        'too large': good + b' ' * 200000,
        'a lone surrogate': b'{"server": {"flavorRef": "\\ud800"}}',
        'no flavor': json.dumps(server(None, image)).encode(),
        'a flavor that is a list': json.dumps(server([bad], image)).encode(),
        'neither image nor device': json.dumps(server(bad)).encode(),
        'an image that is no UUID': json.dumps(server(bad, '../x')).encode(),
        'an image that is a URL': json.dumps(
            server(bad, f'http://localhost:1/{UNKNOWN}')
        ).encode(),
        'both forms of devices': json.dumps(
            server(
                bad,
                block_device_mapping=[{'device_name': 'vda'}],
                block_device_mapping_v2=[root_device('image', image)],
            )
        ).encode(),
    }


@pytest.mark.parametrize('kind', bodies('', ''))
@pytest.mark.parametrize('path', ['/servers', '/os-volumes_boot'])
def test_a_body_that_nova_does_not_take_is_novas_to_answer(
    same, bad, image, kind, path
):
    body = bodies(bad, image)[kind]
    response = same('POST', path, body, version='2.90')
    assert response.status_int >= 400


@pytest.mark.parametrize(
    'headers',
    [
        {'Content-Type': 'application/xml'},
        {'Content-Type': 'application/x-www-form-urlencoded'},
        {'version': '1.0'},
        {'version': '2.999'},
        {'version': 'nonsense'},
        {'project': OTHER_PROJECT},
    ],
    ids=str,
)
def test_a_request_that_nova_does_not_read_is_novas_to_answer(
    same, bad, image, headers
):
    body = server(bad, image)
    response = same('POST', f'/{PROJECT}/servers', body, **headers)
    assert response.status_int >= 400


@pytest.mark.parametrize('kind', ['text/plain', 'application/json', ''])
def test_content_types_that_nova_reads_are_read(door, bad, image, kind):
    response = door.request(
        'POST', '/servers', server(bad, image), **{'Content-Type': kind}
    )
    assert is_refused(response)


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('GET', '/servers/detail'),
        ('GET', '/flavors/detail'),
        ('POST', '/servers/'),
        ('POST', '/servers.json'),
        ('PUT', '/servers'),
        ('PATCH', '/servers'),
        ('POST', '/nonsense/servers'),
        ('POST', '/servers/%C3%A9/action'),
        ('PUT', '/flavors/1/os-extra_specs/%00'),
    ],
)
def test_other_requests_are_novas_to_answer(same, bad, image, method, path):
    body = None if method == 'GET' else server(bad, image)
    same(method, path, body)


def test_we_look_at_all_the_paths_that_nova_has_for_what_we_guard():
    names = {
        ('POST', 'create', 'servers'),
        ('POST', 'create', 'os-volumes_boot'),
        ('POST', 'action', 'servers'),
        ('POST', 'action', 'os-volumes_boot'),
        ('POST', 'create', 'os-extra_specs'),
        ('PUT', 'update', 'os-extra_specs'),
    }
    mapper = APIRouterV21().map
    for path, methods in ROUTE_LIST:
        if not isinstance(methods, dict):
            continue
        for method, (_, action) in methods.items():
            real = path.replace('{', '').replace('}', '')
            for root in ('', f'/{PROJECT}'):
                environ = {'REQUEST_METHOD': method}
                assert mapper.routematch(root + real, environ)
                guarded = api_request.route(method, root + real) is not None
                last = [
                    part
                    for part in path.split('/')
                    if part and part[0] != '{' and part != 'action'
                ]
                wanted = bool(last) and (method, action, last[-1]) in names
                assert guarded == wanted, (method, path)


# What is passed on.


class Recorder:
    """An application that keeps what it is asked."""

    def __init__(self):
        self.bodies = []

    def __call__(self, environ, start_response):
        length = int(environ['CONTENT_LENGTH'])
        body = environ['wsgi.input'].read(length)
        self.bodies.append((length, body))
        start_response('200 OK', [])
        return [b'']


class Stream:
    """A body that can be read once, and neither be rewound nor measured."""

    def __init__(self, body):
        self._left = io.BytesIO(body)

    def read(self, size=-1):
        return self._left.read(size)


@pytest.mark.parametrize('is_chunked', [False, True])
def test_a_body_is_passed_on_byte_for_byte(cloud, image, is_chunked):
    good = old_flavor(cloud, {})
    body = json.dumps(server(good, image), indent=3).encode() + b' \n' * 9
    recorder = Recorder()
    request = webob.Request.blank('/servers', method='POST')
    request.environ['wsgi.input'] = Stream(body)
    request.environ['nova.context'] = context.RequestContext(
        'user', PROJECT, is_admin=True
    )
    if is_chunked:
        request.environ['wsgi.input_terminated'] = True
        request.headers['Transfer-Encoding'] = 'chunked'
    else:
        request.environ['CONTENT_LENGTH'] = str(len(body))
    app = api.LiveMigrationPolicy.factory({})(recorder)
    assert request.get_response(app).status_int == 200
    assert recorder.bodies == [(len(body), body)]


def test_without_a_context_a_request_passes_with_a_warning(cloud):
    recorder = Recorder()
    request = webob.Request.blank('/servers', method='POST', POST=b'{}')
    request.get_response(api.LiveMigrationPolicy(recorder))
    assert recorder.bodies == [(2, b'{}')]
    (warning,) = warnings(cloud)
    assert 'must come after keystonecontext' in warning


# Other tenants.


def test_a_private_flavor_is_answered_as_if_we_were_not_there(
    cloud, door, same, image
):
    private = old_flavor(cloud, flavor_specs(*BOTH), is_public=False)
    cloud.api.api_post(
        f'/flavors/{private}/action', {'addTenantAccess': {'tenant': PROJECT}}
    )
    body = server(private, image)
    del body['server']['networks']
    who = {'user': 'somebody', 'version': '2.1'}
    assert is_refused(
        door.request('POST', '/servers', body, project=PROJECT, **who)
    )
    response = same('POST', '/servers', body, project=OTHER_PROJECT, **who)
    assert 'could not be found' in response.text
    unknown = server('no-such', image)
    del unknown['server']['networks']
    other = same('POST', '/servers', unknown, project=OTHER_PROJECT, **who)
    assert response.text.replace(private, 'no-such') == other.text


@pytest.fixture
def private_image(cloud, monkeypatch):
    """An image that Glance shows to one project only."""
    hidden = cloud.add_image(**image_properties(*BOTH))
    show = cloud.glance.show

    def for_owner(context, image_id, *args, **kwargs):
        if image_id == hidden and context.project_id != PROJECT:
            raise exception.ImageNotFound(image_id=image_id)
        return show(context, image_id, *args, **kwargs)

    monkeypatch.setattr(cloud.glance, 'show', for_owner)
    return hidden


def test_a_private_image_is_answered_as_if_we_were_not_there(
    cloud, door, same, private_image
):
    flavor = old_flavor(cloud, {})
    body = server(flavor, private_image)
    del body['server']['networks']
    who = {'user': 'somebody', 'version': '2.1'}
    assert is_refused(
        door.request('POST', '/servers', body, project=PROJECT, **who)
    )
    response = same('POST', '/servers', body, project=OTHER_PROJECT, **who)
    assert 'Can not find requested image' in response.text


def test_a_user_who_may_not_write_extra_specs_learns_nothing_of_them(
    cloud, same
):
    flavor = old_flavor(cloud, flavor_specs('true', None))
    path = f'/flavors/{flavor}/os-extra_specs'
    for body in (flavor_specs(None, 'true'), flavor_specs(None, 'maybe')):
        response = same('POST', path, {'extra_specs': body}, user='somebody')
        assert response.status_int == 403


# What is away, and what is slow.


def no_glance(*args, **kwargs):
    raise exception.GlanceConnectionFailed(server='glance', reason='away')


def no_cinder(*args, **kwargs):
    raise exception.CinderConnectionFailed(reason='away')


def no_database(*args, **kwargs):
    raise db_exception.DBConnectionError()


def a_bug(*args, **kwargs):
    raise ValueError('a bug')


@pytest.mark.parametrize(
    ('owner', 'name', 'failing'),
    [
        (glance.API, 'get', no_glance),
        (glance.API, 'get', a_bug),
        (objects.Flavor, 'get_by_flavor_id', no_database),
        (cinder.API, 'get', no_cinder),
    ],
    ids=['Glance', 'a bug', 'the database', 'Cinder'],
)
def test_what_is_away_lets_a_request_pass_with_a_warning(
    monkeypatch, cloud, door, nova, bad, image, owner, name, failing
):
    monkeypatch.setattr(owner, name, failing)
    body = (
        server(bad, block_device_mapping_v2=[root_device('volume', UNKNOWN)])
        if owner is cinder.API
        else server(bad, image)
    )
    response = door.request('POST', '/servers', body)
    assert answer(response) == answer(nova.request('POST', '/servers', body))
    assert not is_refused(response)
    (warning,) = warnings(cloud)
    assert 'cannot look up' in warning


@pytest.fixture
def slow_glance(monkeypatch, cloud):
    """Have Glance answer our own lookups only when it is told to."""
    answers = threading.Event()
    get = glance.API.get

    def slow(*args, **kwargs):
        if threading.current_thread().name.startswith('numa_sched'):
            answers.wait(SLOW_SECONDS)
        return get(*args, **kwargs)

    monkeypatch.setattr(glance.API, 'get', slow)
    cloud.flags(api_lookup_seconds=0.2, group='numa_sched')
    yield answers
    cloud.flags(api_lookup_seconds=LOOKUP_SECONDS, group='numa_sched')
    answers.set()


def test_a_slow_glance_holds_no_request_beyond_the_time_limit(
    cloud, door, bad, image, slow_glance
):
    began = time.monotonic()
    response = door.request('POST', '/servers', server(bad, image))
    took = time.monotonic() - began
    assert response.status_int == 202
    assert 0.2 < took < SLOW_SECONDS / 2
    (warning,) = warnings(cloud)
    assert 'no answer within 0.2 s' in warning


def test_when_too_many_lookups_hang_requests_go_on_at_once(
    monkeypatch, cloud, door, bad, image, slow_glance
):
    monkeypatch.setattr(api, 'LOOKUPS', deadline.Deadline(1))
    for _ in range(2):
        response = door.request('POST', '/servers', server(bad, image))
        assert response.status_int == 202
    first, second = warnings(cloud)
    assert 'no answer within 0.2 s' in first
    assert '1 lookups are under way already' in second
    slow_glance.set()
    for _ in range(50):
        if is_refused(door.request('POST', '/servers', server(bad, image))):
            break
        time.sleep(0.1)
    else:
        pytest.fail('lookups that hung are still counted')


def test_a_call_gives_what_the_function_gives_or_raises():
    limit = deadline.Deadline(1)
    for _ in range(3):
        assert limit.call(5, divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            limit.call(5, divmod, 7, 0)


PROCESS = """
{patch}
import threading
import time
from numa_sched.nova import deadline
ticks = []
def tick():
    while True:
        ticks.append(1)
        time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
limit = deadline.Deadline(1)
print(limit.call(5, divmod, 7, 2))
try:
    limit.call(0.3, time.sleep, 60)
except TimeoutError as error:
    print(error)
print(len(ticks) > 2)
"""


@pytest.mark.parametrize(
    'patch',
    ['', 'import eventlet; eventlet.monkey_patch()'],
    ids=['native threads', 'eventlet'],
)
def test_a_call_that_hangs_holds_up_neither_others_nor_the_process(patch):
    ended = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', PROCESS.format(patch=patch)],
        capture_output=True,
        text=True,
        timeout=300,
        env={
            **os.environ,
            'OS_NOVA_DISABLE_EVENTLET_PATCHING': str(not patch),
        },
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        '(3, 1)',
        'no answer within 0.3 s',
        'True',
    ]


def test_lookups_get_a_context_of_their_own(monkeypatch):
    seen = []
    monkeypatch.setattr(
        lookup, 'change', lambda context, *args, **kwargs: seen.append(context)
    )
    mine = context.RequestContext('user', PROJECT)
    body = json.dumps(server('1', UNKNOWN)).encode()
    request = webob.Request.blank('/servers', method='POST', POST=body)
    request.headers['Content-Type'] = 'application/json'
    request.environ['nova.context'] = mine
    request.get_response(api.LiveMigrationPolicy(Recorder()))
    assert len(seen) == 1
    assert seen[0] is not mine
    assert seen[0].to_dict() == mine.to_dict()
