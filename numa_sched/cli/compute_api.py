"""The compute API of a cloud, by openstacksdk, as plans are carried out on.

All that is asked goes by one microversion: since 2.68, which is Train's, no
migration is forced, whoever asks for it.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numa_sched.carry import Memory, Migration, Seen, Service, Shape, Task
from numa_sched.exceptions import (
    ForbiddenError,
    RefusedError,
    SourceError,
    UnansweredError,
)

if TYPE_CHECKING:
    import requests

VERSION = '2.68'
WITH_REASONS = '2.84'
"""Of which on events of servers tell what went wrong."""

TIMEOUT_S = 60
"""For an answer, of an API that mostly takes a second."""
RETRIES = {
    'connect_retries': 2,
    'status_code_retries': 2,
    'retriable_status_codes': [502, 503, 504],
}
ONCE = {'connect_retries': 0, 'status_code_retries': 0}
"""What changes something may have been done without an answer."""
NEWEST = 20
"""Migrations of a server that are looked at."""

MIB = 1024 * 1024
MOST_TOLD = 300


def connect(name: str | None) -> 'ComputeAPI':
    """Give the API of a cloud, which has answered.

    :param name: of ``clouds.yaml``; None for ``OS_CLOUD``, or the other
        variables of the environment
    :raises SourceError: if there is no openstacksdk, or no such cloud
    :raises RefusedError: if it does not let the caller look at hosts, or is
        too old
    :raises UnansweredError: if it does not answer
    """
    try:
        import openstack
    except ImportError as error:
        raise SourceError(
            'openstacksdk is not installed here, which carries plans out: '
            "pip install 'numa-sched[execute]'"
        ) from error
    try:
        cloud = openstack.connect(cloud=name, app_name='numa-sched')
        with _told():
            api = ComputeAPI(cloud.compute)
    except (RefusedError, UnansweredError):
        raise
    except Exception as error:
        raise SourceError(f'no cloud to carry it out: {_line(error)}') from (
            error
        )
    api.check()
    return api


class ComputeAPI:
    """A cloud as plans see it; ``numa_sched.carry.Cloud`` tells how."""

    def __init__(self, compute: Any):
        """Take the proxy of openstacksdk."""
        self._compute = compute

    def check(self) -> None:
        """Look whether it answers, and lets the caller look at hosts."""
        self._get('/os-services', binary='nova-compute')

    def server(self, uuid: str) -> Seen | None:
        """Give a server, None if there is none."""
        response = self._ask('GET', f'/servers/{uuid}', RETRIES)
        if response.status_code == 404:
            return None
        with _told():
            server = _checked(response).json()['server']
            flavor = server['flavor']
            return Seen(
                server['OS-EXT-SRV-ATTR:host'],
                server['OS-EXT-STS:vm_state'],
                server['OS-EXT-STS:task_state'],
                bool(server['locked']),
                Shape(
                    flavor['original_name'],
                    flavor['vcpus'],
                    flavor['ram'],
                    flavor.get('extra_specs'),
                ),
                server.get('fault', {}).get('message', ''),
            )

    def service(self, host: str) -> Service | None:
        """Give the nova-compute of a host, None if there is none."""
        answer = self._get('/os-services', binary='nova-compute', host=host)
        with _told():
            for each in answer['services']:
                return Service(
                    each['state'] == 'up' and not each.get('forced_down'),
                    each['status'] == 'enabled',
                )
        return None

    def migrations(self, uuid: str) -> Sequence[Migration]:
        """Give the newest migrations of a server."""
        answer = self._get('/os-migrations', instance_uuid=uuid, limit=NEWEST)
        with _told():
            return [
                Migration(each['id'], each['status'])
                for each in answer['migrations']
            ]

    def memory(self, uuid: str) -> Memory | None:
        """Give how far the live migration of a server is."""
        answer = self._get(f'/servers/{uuid}/migrations')
        with _told():
            for each in answer['migrations']:
                total = each['memory_total_bytes']
                left = each['memory_remaining_bytes']
                if total and left is not None:
                    return Memory(total // MIB, left // MIB)
        return None

    def why_failed(self, uuid: str) -> str:
        """Give what Nova tells of the last failure of a server."""
        path = f'/servers/{uuid}/os-instance-actions'
        with _told():
            actions = self._get(path)['instanceActions']
            newest = max(actions, key=lambda each: each['start_time'])
            answer = self._get(
                f'{path}/{newest["request_id"]}', version=WITH_REASONS
            )
            for event in answer['instanceAction'].get('events') or ():
                if event['result'] == 'Error' and event.get('details'):
                    return _short(event['details'])
        return ''

    def migrate(self, task: Task) -> None:
        """Ask for a migration to its destination."""
        self._act(
            task.uuid,
            {
                'os-migrateLive': {
                    'host': task.destination,
                    'block_migration': 'auto',
                }
            }
            if task.live
            else {'migrate': {'host': task.destination}},
        )

    def confirm(self, uuid: str) -> None:
        """Confirm a cold migration."""
        self._act(uuid, {'confirmResize': None})

    def _act(self, uuid: str, body: Mapping[str, Any]) -> None:
        _checked(self._ask('POST', f'/servers/{uuid}/action', ONCE, json=body))

    def _get(self, path: str, *, version: str = VERSION, **params: Any) -> Any:
        response = self._ask(
            'GET', path, RETRIES, version=version, params=params
        )
        with _told():
            return _checked(response).json()

    def _ask(
        self,
        method: str,
        path: str,
        retries: Mapping[str, Any],
        *,
        version: str = VERSION,
        **more: Any,
    ) -> 'requests.Response':
        with _told():
            response: requests.Response = self._compute.request(
                path,
                method,
                microversion=version,
                raise_exc=False,
                skip_cache=True,
                timeout=TIMEOUT_S,
                **retries,
                **more,
            )
            return response


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Have what openstacksdk and keystoneauth raise be errors of ours."""
    import openstack.exceptions
    import requests
    from keystoneauth1 import exceptions as of_keystone

    try:
        yield
    except (
        of_keystone.http.Unauthorized,
        of_keystone.http.Forbidden,
    ) as error:
        raise ForbiddenError(_line(error), error.http_status) from error
    except requests.JSONDecodeError as error:
        raise UnansweredError(f'{NOT_NOVA}: {_line(error)}') from error
    except (
        of_keystone.ClientException,
        openstack.exceptions.SDKException,
        requests.RequestException,
    ) as error:
        raise UnansweredError(_line(error)) from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnansweredError(f'{NOT_NOVA}: {_line(error)}') from error


NOT_NOVA = 'what answers is no compute API as it is known here'


def _checked(response: 'requests.Response') -> 'requests.Response':
    """Give an answer that is one.

    :raises RefusedError: if it is a refusal
    :raises UnansweredError: if the API says that it cannot do its work
    """
    status = response.status_code
    if status < 400:
        return response
    message = f'HTTP {status}: {_message(response)}'
    if status in (401, 403):
        raise ForbiddenError(message, status)
    if status >= 500 or status == 429:
        raise UnansweredError(message)
    raise RefusedError(message, status)


def _message(response: 'requests.Response') -> str:
    try:
        (fault,) = response.json().values()
        return _short(fault['message'])
    except (AttributeError, LookupError, TypeError, ValueError):
        return _short(response.text or response.reason)


def _line(error: BaseException) -> str:
    return _short(str(error) or type(error).__name__)


def _short(text: object) -> str:
    return ' '.join(str(text).split())[:MOST_TOLD]
