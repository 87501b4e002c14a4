"""What placement knows of hosts: traits and inventories; read only."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures

from nova.scheduler.client import report

from numa_sched.exceptions import SourceError
from numa_sched.fleet import FleetHost, Inventory

VERSION = '1.26'
"""Of the API: the first whose inventories may be reserved in full."""

AT_ONCE = 8
"""Requests to placement."""


def known_of(
    hosts: Sequence[FleetHost], progress: Callable[[str, int, int], None]
) -> Iterator[FleetHost]:
    """Give hosts with the traits and inventories that placement knows.

    Three requests a host, with the client and the credentials of Nova.

    :raises SourceError: if placement does not answer
    """
    try:
        client = report.report_client_singleton()
    except Exception as error:
        raise _silent(error) from error
    progress('placement', 0, len(hosts))
    with futures.ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda host: _known(client, host), hosts)
        for done, host in enumerate(answers, 1):
            progress('placement', done, len(hosts))
            yield host


def _known(client, host: FleetHost) -> FleetHost:
    url = f'/resource_providers/{host.uuid}'
    traits, inventories, usages = (
        _get(client, f'{url}/{what}').get(what)
        for what in ('traits', 'inventories', 'usages')
    )
    return dataclasses.replace(
        host,
        traits=frozenset(traits or ()),
        inventories={
            name: Inventory(
                total=each['total'],
                reserved=each['reserved'],
                ratio=float(each['allocation_ratio']),
                used=(usages or {}).get(name, 0),
            )
            for name, each in (inventories or {}).items()
        },
    )


def _get(client, url: str) -> dict:
    """Give what placement answers, nothing of a provider that it lacks."""
    try:
        response = client.get(url, version=VERSION)
    except Exception as error:
        raise _silent(error) from error
    if response is None or response.status_code not in (200, 404):
        raise SourceError(
            f'placement answers {getattr(response, "status_code", "nothing")} '
            f'to GET {url}'
        )
    return response.json() if response.status_code == 200 else {}


def _silent(error: Exception) -> SourceError:
    words = ' '.join(str(error).split()) or type(error).__name__
    return SourceError(
        f'placement ([placement] in nova.conf) cannot be asked: {words[:200]}'
    )
