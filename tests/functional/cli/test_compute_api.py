"""What answers of an API are taken for, by openstacksdk over HTTP."""

import json

import pytest
import webob

from numa_sched.carry import Memory, Migration, Seen, Service, Shape
from numa_sched.cli import compute_api
from numa_sched.exceptions import (
    ForbiddenError,
    RefusedError,
    SourceError,
    UnansweredError,
)
from tests.cloud.loopback import Loopback
from tests.unit.carry.scripted import make_task


class Script:
    """A compute API that answers by path what it was told to."""

    def __init__(self):
        self.answers = {'/os-services': {'services': []}}
        self.asked = []

    def __call__(self, environ, start_response):
        request = webob.Request(environ)
        path = request.path_info.removeprefix('/v2.1')
        # What is read later is not there any more.
        request.make_body_seekable()
        self.asked.append(request)
        answer = self.answers.get(path, webob.Response(status=404))
        if isinstance(answer, dict):
            answer = webob.Response(json_body=answer)
        return answer(environ, start_response)


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def server(script, monkeypatch):
    with Loopback(compute=script) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def api(server):
    return compute_api.connect(None)


def shown(**more):
    """Give a server as the API shows it."""
    return {
        'server': {
            'OS-EXT-SRV-ATTR:host': 'a',
            'OS-EXT-STS:vm_state': 'active',
            'OS-EXT-STS:task_state': None,
            'locked': False,
            'flavor': {
                'original_name': 'small',
                'vcpus': 2,
                'ram': 1024,
                'extra_specs': {'hw:cpu_policy': 'dedicated'},
            },
            **more,
        }
    }


def test_a_server_is_seen_with_what_a_step_relies_on(api, script):
    script.answers['/servers/u'] = shown()
    specs = {'hw:cpu_policy': 'dedicated'}
    assert api.server('u') == Seen(
        'a', 'active', None, False, Shape('small', 2, 1024, specs)
    )


def test_of_a_server_in_error_the_fault_is_seen(api, script):
    script.answers['/servers/u'] = shown(fault={'message': 'lost'})
    assert api.server('u').fault == 'lost'


def test_a_server_that_is_not_there_is_none(api):
    assert api.server('u') is None


@pytest.mark.parametrize(
    ('fields', 'seen'),
    [
        ({}, Service(True, True)),
        ({'state': 'down'}, Service(False, True)),
        ({'forced_down': True}, Service(False, True)),
        ({'status': 'disabled'}, Service(True, False)),
    ],
)
def test_a_nova_compute_is_seen(api, script, fields, seen):
    each = {'state': 'up', 'status': 'enabled', 'forced_down': False}
    script.answers['/os-services'] = {'services': [{**each, **fields}]}
    assert api.service('a') == seen
    assert script.asked[-1].params['host'] == 'a'


def test_a_host_without_nova_compute_is_none(api):
    assert api.service('a') is None


def test_migrations_are_seen(api, script):
    script.answers['/os-migrations'] = {
        'migrations': [{'id': 7, 'status': 'running', 'more': 1}]
    }
    assert api.migrations('u') == [Migration(7, 'running')]
    assert script.asked[-1].params['instance_uuid'] == 'u'


@pytest.mark.parametrize(
    ('total', 'remaining', 'memory'),
    [
        (2**31, 2**30, Memory(2048, 1024)),
        (2**31, 0, Memory(2048, 0)),
        (0, 0, None),
        (None, None, None),
    ],
)
def test_memory_that_remains_is_told_in_mib(
    api, script, total, remaining, memory
):
    script.answers['/servers/u/migrations'] = {
        'migrations': [
            {
                'memory_total_bytes': total,
                'memory_remaining_bytes': remaining,
            }
        ]
    }
    assert api.memory('u') == memory


def test_why_something_failed_is_told_by_the_newest_action(api, script):
    script.answers['/servers/u/os-instance-actions'] = {
        'instanceActions': [
            {'request_id': 'new', 'start_time': '2026-11-22T03'},
            {'request_id': 'old', 'start_time': '2026-11-22T02'},
        ]
    }
    script.answers['/servers/u/os-instance-actions/new'] = {
        'instanceAction': {
            'events': [
                {'result': 'Success', 'details': None},
                {'result': 'Error', 'details': 'No valid\n host'},
            ]
        }
    }
    assert api.why_failed('u') == 'No valid host'


@pytest.mark.parametrize(
    ('live', 'body'),
    [
        (True, {'os-migrateLive': {'host': 'b', 'block_migration': 'auto'}}),
        (False, {'migrate': {'host': 'b'}}),
    ],
)
def test_a_migration_is_asked_for_with_its_host_and_not_forced(
    api, script, live, body
):
    script.answers['/servers/u/action'] = webob.Response(status=202)
    api.migrate(make_task(uuid='u', live=live))
    assert json.loads(script.asked[-1].body) == body
    version = script.asked[-1].headers['OpenStack-API-Version']
    assert version == 'compute 2.68'


@pytest.mark.parametrize(
    ('status', 'error'),
    [
        (400, RefusedError),
        (409, RefusedError),
        (401, ForbiddenError),
        (403, ForbiddenError),
        (429, UnansweredError),
        (500, UnansweredError),
        (503, UnansweredError),
    ],
)
def test_what_is_refused_is_one_line_and_asked_for_once(
    api, script, status, error
):
    script.answers['/servers/u/action'] = webob.Response(
        status=status, json_body={'fault': {'message': 'not\nso'}}
    )
    before = len(script.asked)
    with pytest.raises(error) as raised:
        api.confirm('u')
    assert str(raised.value) == f'HTTP {status}: not so'
    assert type(raised.value) is error
    if status != 401:  # for which keystoneauth gets another token
        assert len(script.asked) == before + 1


@pytest.mark.parametrize(
    'answer',
    [
        webob.Response(text='<html>a proxy</html>'),
        webob.Response(json_body={'server': {}}),
        webob.Response(json_body=[]),
    ],
    ids=['no JSON', 'no server', 'a list'],
)
def test_an_answer_that_is_none_is_told(api, script, answer):
    script.answers['/servers/u'] = answer
    with pytest.raises(UnansweredError) as raised:
        api.server('u')
    assert 'no compute API as it is known here' in str(raised.value)


def test_a_server_that_hangs_up_is_told(api, server):
    server.__exit__()
    with pytest.raises(UnansweredError) as raised:
        api.confirm('u')
    assert '\n' not in str(raised.value)


def test_who_may_not_look_at_hosts_is_told_before_anything_is_done(
    server, script
):
    script.answers['/os-services'] = webob.Response(
        status=403, json_body={'forbidden': {'message': 'Policy says no'}}
    )
    with pytest.raises(ForbiddenError, match='HTTP 403: Policy says no'):
        compute_api.connect(None)


def test_a_cloud_that_is_not_configured_is_told(server, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as raised:
        compute_api.connect('elsewhere')
    assert 'elsewhere' in str(raised.value)
    assert '\n' not in str(raised.value)


def test_without_any_cloud_one_line_says_so(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ('OS_CLOUD', 'OS_AUTH_URL'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises((SourceError, UnansweredError)) as raised:
        compute_api.connect(None)
    assert '\n' not in str(raised.value)
